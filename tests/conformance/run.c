/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* What the programs do around their cases. */

struct selection selected;

/* Does PROACTOR_REQUIRE_BACKENDS, words between spaces, name it? */
static bool
is_required(const char *backend)
{
	const char *list = getenv("PROACTOR_REQUIRE_BACKENDS");
	size_t length;

	while (list != NULL && *list != '\0') {
		list += strspn(list, " \t");
		length = strcspn(list, " \t");
		if (length == strlen(backend) &&
		    strncmp(list, backend, length) == 0)
			return true;
		list += length;
	}
	return false;
}

bool
backend_works(char ret_why[WHY_ROOM])
{
	struct proactor_options o;
	struct proactor *p;
	char reason[256] = "";
	int status;

	world_options(&o);
	o.reason = reason;
	o.reason_size = sizeof(reason);
	status = proactor_create(&o, &p);
	if (status == 0) {
		proactor_release(p);
		return true;
	}
	snprintf(ret_why, WHY_ROOM, "%s: %s: %s", selected.backend,
	    proactor_errname(status), reason);
	if (!is_required(selected.backend))
		return false;
	tap_plan(1);
	tap_ok(0, "%s is required: %s", selected.backend, ret_why);
	exit(tap_done());
}

static void
remove_directory(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

int
run_tables(const struct tap_case *const *tables)
{
	const char *parent = getenv("TMPDIR");
	char directory[PATH_ROOM];
	int result;

	snprintf(directory, sizeof(directory), "%s/proactor-XXXXXX",
	    parent != NULL ? parent : "/tmp");
	if (mkdtemp(directory) == NULL)
		tap_bail("%s: %s", directory, strerror(errno));
	selected.directory = directory;
	result = tap_run_tables(tables);
	remove_directory(directory);
	return result;
}
