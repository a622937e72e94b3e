/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/tun/scene.h"

static ino_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static int store_present(void *arg)
{
	struct stat st;

	if (stat("/proc/thread-self/ns/net", &st) < 0)
		return -errno;
	*(ino_t *)arg = st.st_ino;
	return 4711;
}

static ino_t present(void)
{
	ino_t inode = 0;

	assert_int_equal(netns_call(-1, store_present, &inode), 4711);
	return inode;
}

static void created_is_another_one_and_not_entered(void **state)
{
	ino_t before = present();
	int fd = netns_create();

	assert_in_range(fd, 0, INT_MAX);
	assert_int_equal(present(), before);
	assert_int_not_equal(inode_of(fd), before);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
}

static void call_runs_there_and_comes_back_with_the_value(void **state)
{
	ino_t before = present();
	ino_t seen = 0;
	int fd = netns_create();

	assert_int_equal(netns_call(fd, store_present, &seen), 4711);
	assert_int_equal(seen, inode_of(fd));
	assert_int_equal(present(), before);
	close(fd);
}

static void call_into_no_namespace_does_not_run(void **state)
{
	ino_t before = present();
	ino_t seen = 0;
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(netns_call(file, store_present, &seen), -EINVAL);
	close(file);
	assert_int_equal(netns_call(file, store_present, &seen), -EBADF);
	assert_int_equal(seen, 0);
	assert_int_equal(present(), before);
}

static int loopback_flags(void *arg)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int error = ioctl(fd, SIOCGIFFLAGS, &ifr) < 0 ? -errno : 0;

	close(fd);
	return error < 0 ? error : ifr.ifr_flags & (IFF_UP | IFF_LOOPBACK);
}

static void created_has_its_loopback_up(void **state)
{
	int fd = netns_create();

	assert_int_equal(netns_call(fd, loopback_flags, NULL), IFF_UP | IFF_LOOPBACK);
	close(fd);
}

static void no_name_is_the_present_one(void **state)
{
	int empty = netns_open("");
	int none = netns_open(NULL);

	assert_int_equal(inode_of(empty), present());
	assert_int_equal(inode_of(none), present());
	close(empty);
	close(none);
}

static int open_unnamed(void *arg)
{
	return netns_open("");
}

static void present_one_is_that_of_the_calling_thread(void **state)
{
	int fd = netns_create();
	int there = netns_call(fd, open_unnamed, NULL);

	assert_int_equal(inode_of(there), inode_of(fd));
	close(there);
	close(fd);
}

struct thread {
	int netns;
	ino_t seen;
};

static int store_opened(void *arg)
{
	int fd = netns_open("");

	*(ino_t *)arg = inode_of(fd);
	close(fd);
	return 0;
}

static void *run_thread(void *arg)
{
	struct thread *t = arg;

	netns_call(t->netns, store_opened, &t->seen);
	return NULL;
}

static void a_thread_enters_alone(void **state)
{
	ino_t before = present();
	struct thread t = {.netns = netns_create()};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, run_thread, &t), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(t.seen, inode_of(t.netns));
	assert_int_equal(present(), before);
	close(t.netns);
}

static void wrong_names_are_told_apart(void **state)
{
	char longest[PATH_MAX + 1];

	memset(longest, 'n', sizeof(longest));
	longest[PATH_MAX] = '\0';
	assert_int_equal(netns_open("no-such-namespace"), -ENOENT);
	assert_int_equal(netns_open("/no/such/namespace"), -ENOENT);
	assert_int_equal(netns_open("/dev/null"), -EINVAL);
	assert_int_equal(netns_open("/proc/self/ns/mnt"), -EINVAL);
	assert_int_equal(netns_open("/"), -EINVAL);
	assert_int_equal(netns_open(longest), -ENAMETOOLONG);
}

static void path_opens_what_it_points_to(void **state)
{
	int fd = netns_open("/proc/self/ns/net");

	assert_int_equal(inode_of(fd), present());
	close(fd);
}

/* With a /run of its own, so that nothing is left on the machine. */
static int open_by_name(void *arg)
{
	char link[32];
	int created = netns_create();
	int opened;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", created);
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("run", "/run", "tmpfs", 0, NULL) < 0 || mkdir("/run/netns", 0755) < 0 ||
	    close(creat("/run/netns/blue", 0644)) < 0 ||
	    mount(link, "/run/netns/blue", "", MS_BIND, NULL) < 0)
		return -errno;
	opened = netns_open("blue");
	if (opened < 0)
		return opened;
	return inode_of(opened) == inode_of(created) ? 0 : -ESTALE;
}

static void name_is_looked_up_where_iproute2_keeps_it(void **state)
{
	assert_int_equal(scene_child(open_by_name, NULL), 0);
}

static int enter_for_good(void *arg)
{
	int fd = netns_create();
	int error = netns_enter(fd);

	if (error < 0)
		return error;
	return present() == inode_of(fd) ? 0 : -ESTALE;
}

static int enter_nothing(void *arg)
{
	ino_t before = present();
	int error = netns_enter(-1);

	return error < 0 || present() == before ? error : -ESTALE;
}

static void enter_stays(void **state)
{
	assert_int_equal(scene_child(enter_for_good, NULL), 0);
	assert_int_equal(scene_child(enter_nothing, NULL), 0);
}

static int give_up_root(void *arg)
{
	return setresuid(65534, 65534, 65534);
}

static int lose_the_way_back(void *arg)
{
	return netns_call(netns_create(), give_up_root, NULL);
}

static void process_ends_when_there_is_no_way_back(void **state)
{
	int status = scene_child(lose_the_way_back, NULL);

	assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGABRT);
}

static int create_without_root(void *arg)
{
	int fd = netns_create();

	return setresuid(65534, 65534, 65534) < 0 ? -errno
	       : netns_enter(fd) != -EPERM	  ? -ESTALE
						  : netns_create();
}

static void without_privilege_nothing_is_created_or_entered(void **state)
{
	int status = scene_child(create_without_root, NULL);

	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(created_is_another_one_and_not_entered),
		cmocka_unit_test(call_runs_there_and_comes_back_with_the_value),
		cmocka_unit_test(call_into_no_namespace_does_not_run),
		cmocka_unit_test(created_has_its_loopback_up),
		cmocka_unit_test(no_name_is_the_present_one),
		cmocka_unit_test(present_one_is_that_of_the_calling_thread),
		cmocka_unit_test(a_thread_enters_alone),
		cmocka_unit_test(wrong_names_are_told_apart),
		cmocka_unit_test(path_opens_what_it_points_to),
		cmocka_unit_test(name_is_looked_up_where_iproute2_keeps_it),
		cmocka_unit_test(enter_stays),
		cmocka_unit_test(process_ends_when_there_is_no_way_back),
		cmocka_unit_test(without_privilege_nothing_is_created_or_entered),
	};

	return cmocka_run_group_tests_name("tun/netns", tests, NULL, NULL);
}
