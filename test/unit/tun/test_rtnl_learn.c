/* SPDX-License-Identifier: Apache-2.0 */
/* What is learned is compared with what ip(8) lists. */
#include "tun/rtnl_learn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/tun/scene.h"
#include "tun/netns.h"

enum {
	PATIENCE_MS = 5000, /* only a failing test waits that long */
	TEXT_MAX = 256,
	TABLE = 8400,
	MANY = 100000,
	SYNCS_MAX = 200,
};

struct bench {
	struct scene *scene;
	struct rtnl_learn *learn;
};

static const bool wanted[256] = {[RTPROT_BIRD] = true, [RTPROT_ZEBRA] = true};

static void follow(struct bench *b, uint32_t table)
{
	int fd = rtnl_learn_open(b->scene->netns);

	assert_true(fd >= 0);
	rtnl_learn_free(b->learn);
	b->learn = NULL;
	assert_int_equal(rtnl_learn_new(fd, table, wanted, &b->learn), 0);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	void *scene;

	assert_non_null(b);
	assert_int_equal(scene_set_up(&scene), 0);
	b->scene = scene;
	scene_tun_ready(b->scene);
	follow(b, RT_TABLE_MAIN);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	void *scene = b->scene;

	rtnl_learn_free(b->learn);
	scene_tear_down(&scene);
	free(b);
	return 0;
}

/* ---- ip(8) ---- */

static int shell_here(void *arg)
{
	return system(arg);
}

/* In the namespace. */
static void shell(struct bench *b, const char *command)
{
	assert_int_equal(netns_call(b->scene->netns, shell_here, (char *)command), 0);
}

struct listing {
	char **lines;
	size_t n, cap;
};

static void listing_add(struct listing *l, const char *line)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->lines = realloc(l->lines, l->cap * sizeof(*l->lines));
		assert_non_null(l->lines);
	}
	l->lines[l->n] = strdup(line);
	assert_non_null(l->lines[l->n++]);
}

static void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->lines[i]);
	free(l->lines);
	*l = (struct listing){0};
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void listing_sort(struct listing *l)
{
	if (l->n)
		qsort(l->lines, l->n, sizeof(*l->lines), by_text);
}

/* "fd01::/48 32 a b" of a line of "ip -o route": prefix, metric, and the next hops in order. */
static void normalize(char *line, char out[TEXT_MAX])
{
	char *hops[8], *save = NULL;
	const char *metric = "0", *dst = "";
	size_t n = 0;

	for (char *word = strtok_r(line, " \t\n\\", &save); word;
	     word = strtok_r(NULL, " \t\n\\", &save)) {
		if (strcmp(word, "via") == 0 && n < 8)
			hops[n++] = strtok_r(NULL, " ", &save);
		else if (strcmp(word, "metric") == 0)
			metric = strtok_r(NULL, " ", &save);
		else if (!*dst && strcmp(word, "unreachable") != 0 &&
			 strcmp(word, "blackhole") != 0)
			dst = word;
	}
	assert_true(*dst);
	qsort(hops, n, sizeof(hops[0]), by_text);
	snprintf(out, TEXT_MAX, "%s %s", dst, metric);
	for (size_t i = 0; i < n; i++)
		snprintf(out + strlen(out), TEXT_MAX - strlen(out), " %s", hops[i]);
}

struct ip_call {
	const char *command;
	struct listing *listing;
};

static int ip_here(void *arg)
{
	struct ip_call *call = arg;
	char line[TEXT_MAX * 4], text[TEXT_MAX];
	FILE *f = popen(call->command, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		normalize(line, text);
		listing_add(call->listing, text);
	}
	pclose(f);
	return 0;
}

static struct listing listed(struct bench *b, const char *table)
{
	struct listing l = {0};
	char command[TEXT_MAX];

	for (int i = 0; i < 4; i++) {
		snprintf(command, sizeof(command),
			 "ip -o -%d route show table %s proto %s 2>/dev/null", i % 2 ? 6 : 4, table,
			 i / 2 ? "bird" : "zebra");
		netns_call(b->scene->netns, ip_here, &(struct ip_call){command, &l});
	}
	listing_sort(&l);
	return l;
}

/* ---- what is learned ---- */

static const char *format_dst(const struct prefix *p, char buf[TEXT_MAX])
{
	unsigned full = p->family == AF_INET ? 32 : 128;

	if (p->len == 0)
		return "default";
	inet_ntop(p->family, p->addr, buf, TEXT_MAX);
	if (p->len != full)
		snprintf(buf + strlen(buf), 5, "/%u", p->len);
	return buf;
}

static void format(const struct rtnl_learned *r, char out[TEXT_MAX])
{
	char dst[TEXT_MAX], texts[8][INET6_ADDRSTRLEN];
	const char *hops[8];
	size_t n = 0;

	for (size_t i = 0; i < r->n_hops && n < 8; i++) {
		const struct rtnl_hop *hop = rtnl_learned_hop(r, i);

		if (hop->family) {
			hops[n] = inet_ntop(hop->family, hop->via, texts[n], sizeof(texts[n]));
			n++;
		}
	}
	qsort(hops, n, sizeof(hops[0]), by_text);
	snprintf(out, TEXT_MAX, "%.60s %u", format_dst(&r->dst, dst), r->metric);
	for (size_t i = 0; i < n; i++)
		snprintf(out + strlen(out), TEXT_MAX - strlen(out), " %s", hops[i]);
}

static struct listing learned(const struct bench *b)
{
	const struct rtnl_mirror *m = rtnl_learn_routes(b->learn);
	struct listing l = {0};
	char text[TEXT_MAX];

	for (size_t i = 0; i < rtnl_mirror_count(m); i++) {
		if (!rtnl_mirror_wants(m, rtnl_mirror_at(m, i)))
			continue;
		format(rtnl_mirror_at(m, i), text);
		listing_add(&l, text);
	}
	listing_sort(&l);
	return l;
}

static bool is_readable(const struct bench *b, int patience_ms)
{
	struct pollfd p = {.fd = rtnl_learn_fd(b->learn), .events = POLLIN};

	return poll(&p, 1, patience_ms) == 1;
}

/* Until nothing is left to be read, and the table is known. */
static void settle(struct bench *b)
{
	for (int i = 0; i < SYNCS_MAX; i++) {
		while (is_readable(b, 0))
			assert_int_equal(rtnl_learn_read(b->learn), 0);
		if (!rtnl_learn_is_stale(b->learn))
			return;
		assert_int_equal(rtnl_learn_sync(b->learn), 0);
	}
	fail_msg("the table is still unknown after %d readings", SYNCS_MAX);
}

static void check_table(struct bench *b, const char *table)
{
	struct listing is, should;

	settle(b);
	is = learned(b);
	should = listed(b, table);
	for (size_t i = 0; i < is.n && i < should.n; i++)
		assert_string_equal(is.lines[i], should.lines[i]);
	assert_int_equal(is.n, should.n);
	assert_true(rtnl_mirror_check(rtnl_learn_routes(b->learn)));
	listing_done(&is);
	listing_done(&should);
}

static void check(struct bench *b)
{
	check_table(b, "main");
}

static size_t count(const struct bench *b)
{
	struct listing l = learned(b);
	size_t n = l.n;

	listing_done(&l);
	return n;
}

#define BIRD " proto bird metric 32"

/* ---- small tables ---- */

static void what_is_there_already_is_read(void **state)
{
	struct bench *b = *state;

	shell(b, "ip route add 10.50.0.0/16 via 10.9.0.2" BIRD);
	shell(b, "ip route add 10.51.0.0/16 via 10.9.0.2 proto zebra");
	shell(b, "ip route add 10.52.0.0/16 via 10.9.0.2 proto static");
	shell(b, "ip -6 route add fd50::/48 dev tun0" BIRD);
	assert_true(rtnl_learn_is_stale(b->learn));
	check(b);
	assert_int_equal(count(b), 3);
	assert_true(rtnl_learn_is_known(b->learn));
	assert_int_equal(rtnl_learn_syncs(b->learn), 1);
}

static void news_are_followed_without_reading_again(void **state)
{
	struct bench *b = *state;
	uint64_t changes;

	check(b);
	changes = rtnl_learn_changes(b->learn);
	shell(b, "ip route add 10.50.0.0/16 via 10.9.0.2" BIRD);
	check(b);
	assert_int_equal(count(b), 1);
	assert_true(rtnl_learn_changes(b->learn) != changes);
	shell(b, "ip route replace 10.50.0.0/16 via 10.9.0.3" BIRD);
	check(b);
	shell(b, "ip route append 10.50.0.0/16 via 10.9.0.4" BIRD);
	check(b);
	assert_int_equal(count(b), 2);
	shell(b, "ip route replace 10.50.0.0/16 via 10.9.0.5" BIRD);
	check(b);
	shell(b, "ip route replace 10.50.0.0/16 via 10.9.0.6 proto static metric 32");
	check(b);
	assert_int_equal(count(b), 1);
	shell(b, "ip route del 10.50.0.0/16 via 10.9.0.4");
	check(b);
	assert_int_equal(count(b), 0);
	assert_int_equal(rtnl_learn_syncs(b->learn), 1);
}

static void routes_with_several_hops_are_followed(void **state)
{
	struct bench *b = *state;

	shell(b, "ip -6 addr add fd09::1/64 dev tun0 nodad");
	check(b);
	shell(b, "ip route add 10.50.0.0/16" BIRD " nexthop via 10.9.0.2 nexthop via 10.9.0.3");
	shell(b, "ip -6 route add fd50::/48" BIRD " nexthop via fd09::2 nexthop via fd09::3");
	check(b);
	shell(b, "ip -6 route append fd50::/48 via fd09::4" BIRD);
	check(b);
	shell(b, "ip -6 route del fd50::/48 via fd09::3" BIRD);
	check(b);
	shell(b, "ip -6 route replace fd50::/48 via fd09::5" BIRD);
	check(b);
	shell(b, "ip route replace 10.50.0.0/16" BIRD " nexthop via 10.9.0.3 nexthop via 10.9.0.4");
	check(b);
	assert_int_equal(count(b), 2);
	shell(b, "ip route del 10.50.0.0/16; ip -6 route del fd50::/48");
	check(b);
	assert_int_equal(count(b), 0);
	assert_int_equal(rtnl_learn_syncs(b->learn), 1);
}

static void other_tables_are_not_followed(void **state)
{
	struct bench *b = *state;

	follow(b, TABLE);
	shell(b, "ip route add 10.50.0.0/16 via 10.9.0.2" BIRD);
	shell(b, "ip route add 10.51.0.0/16 via 10.9.0.2" BIRD " table 8400");
	check_table(b, "8400");
	assert_int_equal(count(b), 1);
	shell(b, "ip route add 10.53.0.0/16 via 10.9.0.2" BIRD);
	shell(b, "ip -6 route add fd50::/48 dev tun0" BIRD " table 8400");
	check_table(b, "8400");
	assert_int_equal(count(b), 2);
}

static void table_that_is_not_there_is_empty(void **state)
{
	struct bench *b = *state;

	follow(b, TABLE + 1);
	settle(b);
	assert_true(rtnl_learn_is_known(b->learn));
	assert_int_equal(count(b), 0);
}

/* ---- what the kernel does without a word ---- */

static void routes_that_go_with_their_device_are_gone(void **state)
{
	struct bench *b = *state;

	shell(b, "ip link add other type veth peer name far && ip link set far up"
		 " && ip addr add 10.8.0.1/24 dev other"
		 " && ip link set other up");
	shell(b, "ip route add 10.50.0.0/16 via 10.8.0.2" BIRD);
	shell(b, "ip route add 10.51.0.0/16 via 10.9.0.2" BIRD);
	shell(b, "ip -6 route add fd50::/48 dev other" BIRD);
	check(b);
	assert_int_equal(count(b), 3);
	shell(b, "ip link set other down");
	check(b);
	assert_int_equal(count(b), 1);
	shell(b, "ip link set other up && ip route add 10.50.0.0/16 via 10.8.0.2" BIRD);
	check(b);
	shell(b, "ip link del other");
	check(b);
	assert_int_equal(count(b), 1);
}

static void routes_that_go_with_their_source_address_are_gone(void **state)
{
	struct bench *b = *state;

	shell(b, "ip addr add 10.9.0.7/32 dev tun0 &&"
		 " ip route add 10.50.0.0/16 via 10.9.0.2 src 10.9.0.7" BIRD);
	check(b);
	assert_int_equal(count(b), 1);
	shell(b, "ip addr del 10.9.0.7/32 dev tun0");
	check(b);
	assert_int_equal(count(b), 0);
}

static void routes_that_go_with_their_nexthop_object_are_gone(void **state)
{
	struct bench *b = *state;

	shell(b, "ip nexthop add id 7 via 10.9.0.2 dev tun0 proto zebra &&"
		 " ip route add 10.50.0.0/16 nhid 7 proto zebra");
	check(b);
	assert_int_equal(count(b), 1);
	shell(b, "ip nexthop replace id 7 via 10.9.0.3 dev tun0 proto zebra");
	check(b);
	shell(b, "ip nexthop del id 7");
	check(b);
	assert_int_equal(count(b), 0);
}

/* ---- overruns ---- */

static void overrun_makes_it_stale_and_is_made_good(void **state)
{
	struct bench *b = *state;
	int size = 1;

	check(b);
	assert_int_equal(
		setsockopt(rtnl_learn_fd(b->learn), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	shell(b, "for i in $(seq 200); do echo route add 10.50.$i.0/24 via 10.9.0.2" BIRD
		 "; done | ip -batch -");
	while (!rtnl_learn_is_stale(b->learn)) {
		assert_true(is_readable(b, PATIENCE_MS));
		assert_int_equal(rtnl_learn_read(b->learn), 0);
	}
	assert_true(count(b) < 200); /* as it was, or somewhat later */
	check(b);
	assert_int_equal(count(b), 200);
}

/* ---- large ones ---- */

static FILE *batch;

static void batch_open(void)
{
	batch = popen("ip -batch -", "w");
	assert_non_null(batch);
}

static int batch_open_here(void *arg)
{
	batch_open();
	return 0;
}

static void batch_line(const char *verb, uint32_t i, unsigned hop)
{
	fprintf(batch, "route %s %u.%u.%u.0/24 via 10.9.0.%u" BIRD "\n", verb, 20 + (i >> 16),
		i >> 8 & 0xff, i & 0xff, hop);
}

static void batch_end(void)
{
	assert_int_equal(pclose(batch), 0);
}

static void change_many(struct bench *b, const char *verb, unsigned hop)
{
	netns_call(b->scene->netns, batch_open_here, NULL);
	for (uint32_t i = 0; i < MANY; i++)
		batch_line(verb, i, hop);
	batch_end();
}

/* Reads while they come, as the loop would; overruns and readings in the middle of it included. */
static void change_many_and_read(struct bench *b, const char *verb, unsigned hop)
{
	netns_call(b->scene->netns, batch_open_here, NULL);
	for (uint32_t i = 0; i < MANY; i++) {
		batch_line(verb, i, hop);
		if (i % 1000 == 0 && is_readable(b, 0))
			assert_int_equal(rtnl_learn_read(b->learn), 0);
		if (i % 20000 == 0)
			assert_int_equal(rtnl_learn_sync(b->learn), 0);
	}
	batch_end();
}

static size_t memory_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void none_of_hundred_thousand_is_missed_and_memory_comes_back(void **state)
{
	struct bench *b = *state;
	int size = 64 << 10;
	size_t before;

	check(b);
	before = memory_in_use();
	change_many(b, "add", 2); /* read at once */
	check(b);
	assert_int_equal(count(b), MANY);
	setsockopt(rtnl_learn_fd(b->learn), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	change_many_and_read(b, "replace", 3); /* told of, with overruns, and read in between */
	check(b);
	assert_int_equal(count(b), MANY);
	change_many_and_read(b, "del", 3);
	check(b);
	assert_int_equal(count(b), 0);
	assert_in_range(memory_in_use(), 0, before + 65536);
}

/* Changes of all sorts while the table is read over and over: nothing that is read may undo what was told. */
static void reading_and_news_do_not_undo_each_other(void **state)
{
	struct bench *b = *state;
	struct prng p;

	prng_init(&p, 6002);
	for (int round = 0; round < 20; round++) {
		netns_call(b->scene->netns, batch_open_here, NULL);
		for (int i = 0; i < 2000; i++) {
			uint32_t n = prng_below(&p, 3000);
			bool is_gone = prng_below(&p, 2);

			/* what is not there cannot be deleted: it is there, whatever was before */
			batch_line("replace", n, is_gone ? 9 : 2 + prng_below(&p, 4));
			if (is_gone)
				batch_line("del", n, 9);
			if (prng_below(&p, 50) == 0)
				assert_int_equal(rtnl_learn_sync(b->learn), 0);
			if (prng_below(&p, 10) == 0)
				assert_int_equal(rtnl_learn_read(b->learn), 0);
		}
		batch_end();
		check(b);
	}
}

static void stranger_is_not_listened_to(void **state)
{
	struct bench *b = *state;
	struct {
		struct nlmsghdr header;
		struct rtmsg rtm;
		struct rtattr attr;
		uint8_t dst[4];
	} message = {.header = {.nlmsg_len = sizeof(message), .nlmsg_type = RTM_NEWROUTE},
		     .rtm = {.rtm_family = AF_INET,
			     .rtm_dst_len = 8,
			     .rtm_table = RT_TABLE_MAIN,
			     .rtm_protocol = RTPROT_BIRD,
			     .rtm_type = RTN_UNICAST},
		     .attr = {.rta_len = 8, .rta_type = RTA_DST},
		     .dst = {11}};
	struct sockaddr_nl to = {0};
	socklen_t len = sizeof(to);
	int fd;

	check(b);
	assert_int_equal(getsockname(rtnl_learn_fd(b->learn), (struct sockaddr *)&to, &len), 0);
	fd = rtnl_learn_open(b->scene->netns);
	assert_int_equal(
		sendto(fd, &message, sizeof(message), 0, (struct sockaddr *)&to, sizeof(to)),
		sizeof(message));
	assert_true(is_readable(b, PATIENCE_MS));
	settle(b);
	assert_int_equal(count(b), 0);
	close(fd);
}

static void descriptor_never_blocks_nor_is_inherited(void **state)
{
	struct bench *b = *state;
	int fd = rtnl_learn_fd(b->learn);

	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void only_a_netlink_socket_is_taken(void **state)
{
	struct rtnl_learn *l = NULL;

	assert_int_equal(rtnl_learn_new(open("/dev/null", O_RDONLY), 254, wanted, &l), -ENOTSOCK);
	assert_null(l);
	assert_int_equal(rtnl_learn_open(STDIN_FILENO), -EINVAL);
	rtnl_learn_free(NULL);
}

#define LEARN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEARN_TEST(what_is_there_already_is_read),
		LEARN_TEST(news_are_followed_without_reading_again),
		LEARN_TEST(routes_with_several_hops_are_followed),
		LEARN_TEST(other_tables_are_not_followed),
		LEARN_TEST(table_that_is_not_there_is_empty),
		LEARN_TEST(routes_that_go_with_their_device_are_gone),
		LEARN_TEST(routes_that_go_with_their_source_address_are_gone),
		LEARN_TEST(routes_that_go_with_their_nexthop_object_are_gone),
		LEARN_TEST(overrun_makes_it_stale_and_is_made_good),
		LEARN_TEST(none_of_hundred_thousand_is_missed_and_memory_comes_back),
		LEARN_TEST(reading_and_news_do_not_undo_each_other),
		LEARN_TEST(stranger_is_not_listened_to),
		LEARN_TEST(descriptor_never_blocks_nor_is_inherited),
		cmocka_unit_test(only_a_netlink_socket_is_taken),
	};

	return cmocka_run_group_tests_name("tun/rtnl_learn", tests, NULL, NULL);
}
