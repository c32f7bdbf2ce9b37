/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <vector>

#include "bench/asio.h"

namespace {

struct server {
	net::io_context io;
	tcp::acceptor listener;

	explicit server(struct run *run) : io(LOOP_HINT), listener(io)
	{
		net_more_files();
		listener.assign(tcp::v4(), run->listener);
	}
};

struct connection {
	tcp::socket socket;
	char buffer[ECHO_BUFFER];

	explicit connection(tcp::socket &&s) : socket(std::move(s)) {}

	void receive()
	{
		socket.async_read_some(net::buffer(buffer),
		    [this](const error_code &error, std::size_t got) {
			    if (error)
				    socket.close();
			    else
				    answer(got);
		    });
	}

	/* What the client has under way fits the socket's buffer. */
	void answer(std::size_t length)
	{
		socket.async_write_some(net::buffer(buffer, length),
		    [this, length](const error_code &error, std::size_t put) {
			    check(error, "write");
			    if (put != length)
				    die("write", -1);
			    receive();
		    });
	}
};

struct echo : server {
	std::vector<connection> connections;
	unsigned int left;

	explicit echo(struct run *run) : server(run), left(run->size)
	{
		connections.reserve(left);
	}

	void accept()
	{
		listener.async_accept(
		    [this](const error_code &error, tcp::socket socket) {
			    check(error, "accept");
			    connections.emplace_back(std::move(socket));
			    connections.back().receive();
			    if (--left > 0)
				    accept();
		    });
	}
};

struct churn : server {
	uint64_t left;

	explicit churn(struct run *run) :
	    server(run), left(run->warm_up + run->operations)
	{
	}

	void accept()
	{
		listener.async_accept(
		    [this](const error_code &error, tcp::socket socket) {
			    check(error, "accept");
			    socket.close();
			    if (--left > 0)
				    accept();
		    });
	}
};

/*
 * One connection that sends, or receives, much.  Not by async_write(), which
 * cuts what it sends into pieces of 64 KiB.
 */
struct stream : server {
	tcp::socket socket;
	std::vector<char> buffer;
	std::size_t done = 0;
	uint64_t left;

	explicit stream(struct run *run) :
	    server(run), socket(io), buffer(run->size),
	    left(run->warm_up + run->operations)
	{
		listener.accept(socket);
	}

	void send()
	{
		socket.async_write_some(net::buffer(buffer) + done,
		    [this](const error_code &error, std::size_t put) {
			    check(error, "write");
			    done += put;
			    if (done == buffer.size()) {
				    done = 0;
				    left--;
			    }
			    if (left > 0)
				    send();
			    else
				    socket.close();
		    });
	}

	void receive()
	{
		socket.async_read_some(net::buffer(buffer),
		    [this](const error_code &error, std::size_t) {
			    if (error == net::error::eof) {
				    socket.close();
				    return;
			    }
			    check(error, "read");
			    receive();
		    });
	}
};

}

/* A loop ends when it has nothing more to do. */
void
asio_echo(struct run *run)
{
	echo s(run);

	s.accept();
	s.io.run();
}

void
asio_accept(struct run *run)
{
	churn s(run);

	s.accept();
	s.io.run();
	run_leave(run);
}

void
asio_stream_out(struct run *run)
{
	stream s(run);

	s.send();
	s.io.run();
	run_leave(run);
}

void
asio_stream_in(struct run *run)
{
	stream s(run);

	s.receive();
	s.io.run();
	run_leave(run);
}
