/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_CHILD_H
#define SSTP_WORKER_CHILD_H
/*
 * Children that do what has no place in the process that carries packets: this program itself as one
 * of its commands, and the operator's hook. They begin with default signals, none blocked.
 */
#include <sys/types.h>

/* For program: this program itself. */
#define CHILD_SELF "/proc/self/exe"

enum {
	CHILD_NO_EXEC =
		127, /* exit status of one whose program the kernel does not execute, as a shell has it */
};

/*
 * Starts program (a path) with argv and envp, both NULL-terminated. stdin_fd (borrowed) is its
 * standard input; < 0: ours. Does not wait for it. Its id, or -errno: -ENOENT, -EACCES no such program.
 */
pid_t child_start(const char *program, char *const argv[], char *const envp[], int stdin_fd);

#endif
