/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int run_folder_make_public(const char *folder)
{
	if (mkdir(folder, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(folder, 0755) < 0 ? -errno : 1;
}

static void remove_folder(int pid)
{
	static const char *const files[] = {"/resolv.conf", "/status.json", "/status.json.new", ""};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), RUN_FOLDER "/%d%s", pid, files[i]);
		remove(path);
	}
}

static void remove_dead(void)
{
	DIR *dir = opendir(RUN_FOLDER);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int pid = atoi(entry->d_name);

		if (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH)
			remove_folder(pid);
	}
	if (dir)
		closedir(dir);
}

int run_folder_make(char ret_path[RUN_FOLDER_MAX])
{
	int r;

	snprintf(ret_path, RUN_FOLDER_MAX, RUN_FOLDER "/%d", (int)getpid());
	remove_dead();
	r = run_folder_make_public(RUN_FOLDER);
	if (r >= 0)
		r = run_folder_make_public(ret_path);
	return r < 0 ? r : 0;
}

void run_folder_remove(void)
{
	char path[RUN_FOLDER_MAX];

	snprintf(path, sizeof(path), RUN_FOLDER "/%d", (int)getpid());
	rmdir(path);
}
