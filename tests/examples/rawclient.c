/* SPDX-License-Identifier: ISC */
/*
 * A client that does what curl will not: sends standard input as it is to a
 * port of the loopback and prints what comes back until the server closes.
 *
 *	rawclient [-d milliseconds] [-f] [-k pid] [-w] port
 *
 * -d sends byte by byte with a pause after each; -f goes on with large blocks
 * for as long as the server takes them; -k sends SIGTERM to the process when
 * the first bytes have come, and then reads on; -w says after the last byte
 * that no more will come.
 *
 * Exits with 0 when the server closed, 3 when it reset the connection, 4
 * when nothing came for 20 seconds, 1 on any other failure.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE	20000	/* milliseconds */

static char request[1 << 20];

static int
open_connection(const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)strtoul(port, NULL, 10)),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&address,
	    sizeof(address)) != 0) {
		perror("rawclient: connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* False when the server has stopped listening to us, which may be right. */
static bool
send_all(int fd, size_t size, size_t step, long pause)
{
	struct timespec time = { pause / 1000, pause % 1000 * 1000000 };
	struct pollfd closed = { .fd = fd, .events = POLLIN };
	size_t at;
	ssize_t n;

	for (at = 0; at < size; at += (size_t)n) {
		if (step < size && poll(&closed, 1, 0) > 0)
			return false;
		n = send(fd, request + at, step < size - at ? step :
		    size - at, MSG_NOSIGNAL);
		if (n < 0)
			return false;
		if (pause > 0)
			nanosleep(&time, NULL);
	}
	return true;
}

/* Prints what comes until the end. */
static int
receive_all(int fd, pid_t victim)
{
	static char buffer[65536];
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		if (poll(&readable, 1, PATIENCE) == 0)
			return 4;
		n = recv(fd, buffer, sizeof(buffer), 0);
		if (n < 0)
			return errno == ECONNRESET ? 3 : 1;
		if (n == 0)
			return 0;
		if (victim != 0) {
			kill(victim, SIGTERM);
			victim = 0;
		}
		if (fwrite(buffer, 1, (size_t)n, stdout) != (size_t)n)
			return 1;
	}
}

int
main(int argc, char **argv)
{
	size_t size, step = sizeof(request);
	bool half_close = false, flood = false, sent;
	pid_t victim = 0;
	long pause = 0;
	int fd, option, status;

	while ((option = getopt(argc, argv, "d:fk:w")) != -1) {
		if (option == 'd') {
			pause = strtol(optarg, NULL, 10);
			step = 1;
		} else if (option == 'f') {
			flood = true;
		} else if (option == 'k') {
			victim = (pid_t)strtol(optarg, NULL, 10);
		} else if (option == 'w') {
			half_close = true;
		} else {
			return 2;
		}
	}
	if (argc - optind != 1)
		return 2;
	size = fread(request, 1, sizeof(request), stdin);
	if (flood)
		size = step = sizeof(request);
	fd = open_connection(argv[optind]);
	do
		sent = send_all(fd, size, step, pause);
	while (sent && flood);
	if (sent && half_close)
		shutdown(fd, SHUT_WR);
	status = receive_all(fd, victim);
	close(fd);
	return fflush(stdout) != 0 ? 1 : status;
}
