/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_RUN_FOLDER_H
#define SSTP_WORKER_RUN_FOLDER_H
/*
 * /run/sstp-worker/PID: what a worker that runs has there for others to read, its app's resolv.conf and its status.
 * Those of workers that were killed go when the next one starts.
 */
enum {
	RUN_FOLDER_MAX = 64, /* bytes of the path, with NUL */
};

#define RUN_FOLDER "/run/sstp-worker"

/* Makes a folder that everybody may read, whatever the umask is. 1: made; 0: it was there; -errno. */
int run_folder_make_public(const char *folder);

/* Makes that of this process; its path in ret_path, always. 0 or -errno. */
int run_folder_make(char ret_path[RUN_FOLDER_MAX]);

/* Removes that of this process when nothing is in it any more. */
void run_folder_remove(void);

#endif
