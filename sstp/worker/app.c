/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/app.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/worker/config.h"
#include "tun/netns.h"

/* What the child reports through a pipe that exec closes. */
struct failure {
	int error;
	bool at_exec;
	char step[48];
};

static int mount_resolv_conf(const char *from)
{
	char target[PATH_MAX];

	if (!realpath("/etc/resolv.conf", target))
		return -errno;
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	return mount(from, target, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

/* A container's image may come without the file; then there is nothing to mount over. */
static bool has_resolv_conf(void)
{
	if (access("/etc/resolv.conf", F_OK) == 0 || errno != ENOENT)
		return true;
	log_warning("there is no /etc/resolv.conf: the app does not get the virtual network's DNS "
		    "servers there, only in WEBSITE_DNS_SERVER");
	return false;
}

/*
 * All are blocked until here: one that came since fork() waits, and meets the app's own defaults instead of a
 * handler of the worker's that runs in the wrong process.
 */
static void reset_signals(void)
{
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void app_variables(const struct app_params *p, struct app_variable ret_variables[APP_VARIABLES])
{
	const struct app_variable all[APP_VARIABLES] = {
		{"WEBSITE_PRIVATE_IP", p->private_ip},
		{"WEBSITE_PRIVATE_IPV6", p->private_ipv6},
		{"WEBSITE_PRIVATE_POOL", p->private_pool},
		{"WEBSITE_DNS_SERVER", p->dns_server},
		{"WEBSITE_DNS_ALT_SERVER", p->dns_alt_server},
		{"WEBSITE_VNETNAME", p->vnet_name},
	};

	memcpy(ret_variables, all, sizeof(all));
}

static int set_environment(const struct app_params *p)
{
	struct app_variable all[APP_VARIABLES];
	int r = 0;

	app_variables(p, all);
	for (size_t i = 0; i < APP_VARIABLES && r == 0; i++)
		r = all[i].value ? setenv(all[i].name, all[i].value, 1) : unsetenv(all[i].name);
	return r < 0 ? -errno : 0;
}

static struct failure become(const struct app_params *p)
{
	struct failure f = {.step = "enter the network namespace"};

	f.error = p->netns_fd >= 0 ? netns_enter(p->netns_fd) : 0;
	if (f.error)
		return f;
	strcpy(f.step, "mount resolv.conf");
	f.error = p->resolv_conf ? mount_resolv_conf(p->resolv_conf) : 0;
	if (f.error)
		return f;
	strcpy(f.step, "set the environment");
	f.error = set_environment(p);
	if (f.error)
		return f;
	strcpy(f.step, "execute");
	f.at_exec = true;
	execvp(p->argv[0], p->argv);
	f.error = -errno;
	return f;
}

static pid_t fork_with_signals_blocked(void)
{
	sigset_t all, before;
	pid_t pid;
	int error;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	error = errno;
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return pid;
}

static int fail(const struct app_params *params, const struct failure *f, char ret_error[256])
{
	snprintf(ret_error, 256, "cannot start '%s': cannot %s: %s", params->argv[0], f->step,
		 strerror(-f->error));
	return f->at_exec ? f->error : -ECHILD;
}

int app_start(const struct app_params *params, pid_t *ret_pid, char ret_error[256])
{
	struct failure f = {.step = "make a process"};
	struct app_params p = *params;
	int fds[2];
	pid_t pid;
	ssize_t n;

	if (p.resolv_conf && !has_resolv_conf())
		p.resolv_conf = NULL;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		f.error = -errno;
		return fail(params, &f, ret_error);
	}
	pid = fork_with_signals_blocked();
	if (pid == 0) {
		reset_signals();
		f = become(&p);
		_exit(write(fds[1], &f, sizeof(f)) == sizeof(f) ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	f.error = pid < 0 ? -errno : 0;
	close(fds[1]);
	n = pid < 0 ? -1 : read(fds[0], &f, sizeof(f));
	close(fds[0]);
	if (f.error < 0) {
		if (n == sizeof(f))
			waitpid(pid, NULL, 0);
		return fail(params, &f, ret_error);
	}
	*ret_pid = pid;
	return 0;
}

int app_become(const struct app_params *params, char ret_error[256])
{
	struct app_params p = *params;
	struct failure f;

	if (p.resolv_conf && !has_resolv_conf())
		p.resolv_conf = NULL;
	f = become(&p);
	return fail(params, &f, ret_error);
}

int app_exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? WORKER_EXIT_SIGNAL + WTERMSIG(wait_status)
					: WEXITSTATUS(wait_status);
}
