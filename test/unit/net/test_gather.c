/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/net/gather.h"
#include "test/support/cmocka.h"

enum {
	CAP = 64 * 1024,
};

/* Two outlets on one gather buffer, and the far ends of their sockets. */
static struct {
	uint8_t buf[CAP];
	struct gather gather;
	struct outlet a, b;
	int far_a, far_b;
	unsigned changes;
} t;

static void changed(struct outlet *out)
{
	t.changes++;
}

static void open_outlet(struct outlet *out, int *ret_far)
{
	const int small = 8192;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	*out = (struct outlet){.gather = &t.gather, .fd = pair[0], .on_change = changed};
	*ret_far = pair[1];
}

static int setup(void **state)
{
	memset(&t, 0, sizeof(t));
	t.gather = gather(t.buf, CAP);
	open_outlet(&t.a, &t.far_a);
	open_outlet(&t.b, &t.far_b);
	return 0;
}

static int teardown(void **state)
{
	outlet_drop(&t.a);
	outlet_drop(&t.b);
	close(t.a.fd);
	close(t.b.fd);
	close(t.far_a);
	close(t.far_b);
	return 0;
}

/* What can be read at once; returns its length. */
static size_t take(int fd, uint8_t *buf, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, buf + len, cap - len)) > 0)
		len += (size_t)n;
	return len;
}

static void nothing_leaves_before_the_flush(void **state)
{
	uint8_t got[16];

	assert_int_equal(outlet_append(&t.a, "one ", 4), 0);
	assert_int_equal(outlet_append(&t.a, "two", 3), 0);
	assert_int_equal(outlet_waiting(&t.a), 7);
	assert_int_equal(take(t.far_a, got, sizeof(got)), 0);
	outlet_flush(&t.a);
	assert_int_equal(outlet_waiting(&t.a), 0);
	assert_int_equal(take(t.far_a, got, sizeof(got)), 7);
	assert_memory_equal(got, "one two", 7);
	assert_int_equal(t.changes, 0);
}

static void another_outlet_sends_the_former_one_first(void **state)
{
	uint8_t got[16];

	assert_int_equal(outlet_append(&t.a, "to a", 4), 0);
	assert_int_equal(outlet_append(&t.b, "to b", 4), 0);
	assert_int_equal(take(t.far_a, got, sizeof(got)), 4);
	assert_memory_equal(got, "to a", 4);
	assert_int_equal(take(t.far_b, got, sizeof(got)), 0);
	/* not its turn: sends nothing of the other */
	outlet_flush(&t.a);
	assert_int_equal(take(t.far_b, got, sizeof(got)), 0);
	outlet_flush(&t.b);
	assert_int_equal(take(t.far_b, got, sizeof(got)), 4);
	assert_memory_equal(got, "to b", 4);
}

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 31 >> 3 ^ i);
}

static void append_pattern(struct outlet *out, size_t from, size_t len)
{
	uint8_t *data = malloc(len);

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = byte_at(from + i);
	assert_int_equal(outlet_append(out, data, len), 0);
	free(data);
}

static void what_the_socket_does_not_take_blocks_and_keeps_its_order(void **state)
{
	static uint8_t got[CAP + 100];
	size_t len = 0;

	append_pattern(&t.a, 0, CAP);
	outlet_flush(&t.a);
	assert_true(outlet_is_blocked(&t.a));
	assert_int_equal(t.changes, 1);
	assert_in_range(outlet_waiting(&t.a), 1, CAP - 1);
	/* the gather buffer is free for others, and TLS's own messages go behind the backlog */
	assert_null(t.gather.owner);
	len = take(t.far_a, got, sizeof(got));
	outlet_drain(&t.a);
	assert_true(outlet_is_blocked(&t.a));
	append_pattern(&t.a, CAP, 100);
	while (outlet_is_blocked(&t.a)) {
		len += take(t.far_a, got + len, sizeof(got) - len);
		outlet_drain(&t.a);
	}
	len += take(t.far_a, got + len, sizeof(got) - len);
	assert_int_equal(len, CAP + 100);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(got[i], byte_at(i));
	assert_int_equal(t.changes, 1);
}

static void full_buffer_is_sent_to_make_room(void **state)
{
	static uint8_t got[CAP + 1];

	append_pattern(&t.a, 0, CAP);
	assert_false(outlet_has_room(&t.a, 1));
	assert_true(outlet_has_room(&t.b, 1));
	append_pattern(&t.a, CAP, 1);
	assert_true(outlet_is_blocked(&t.a));
	assert_true(take(t.far_a, got, sizeof(got)) > 0);
}

static void backlog_has_a_limit(void **state)
{
	static const uint8_t zeros[CAP];
	int error = 0;
	size_t most = 0;

	while (error == 0) {
		most = outlet_waiting(&t.a);
		error = outlet_append(&t.a, zeros, 1000);
	}
	assert_int_equal(error, -ENOBUFS);
	assert_in_range(most, CAP, CAP + OUTLET_EXTRA_MAX);
	assert_int_equal(t.a.error, ENOBUFS);
	assert_int_equal(outlet_waiting(&t.a), 0);
	assert_int_equal(outlet_append(&t.a, zeros, 1), -ENOBUFS);
}

static void what_no_buffer_can_hold_finishes_the_outlet(void **state)
{
	static const uint8_t zeros[CAP + 1];

	assert_int_equal(outlet_append(&t.a, zeros, sizeof(zeros)), -EMSGSIZE);
	assert_int_equal(t.a.error, EMSGSIZE);
	assert_int_equal(t.changes, 1);
	assert_int_equal(outlet_append(&t.a, zeros, 1), -EMSGSIZE);
}

static void lost_connection_is_an_error_and_no_signal(void **state)
{
	close(t.far_a);
	t.far_a = open("/dev/null", O_RDONLY);
	assert_int_equal(outlet_append(&t.a, "x", 1), 0);
	outlet_flush(&t.a);
	assert_int_equal(t.a.error, EPIPE);
	assert_int_equal(t.changes, 1);
	assert_int_equal(outlet_append(&t.a, "x", 1), -EPIPE);
	assert_int_equal(outlet_waiting(&t.a), 0);
	assert_null(t.gather.owner);
}

static void former_outlet_that_fails_does_not_hurt_the_next(void **state)
{
	uint8_t got[4];

	close(t.far_a);
	t.far_a = open("/dev/null", O_RDONLY);
	assert_int_equal(outlet_append(&t.a, "x", 1), 0);
	assert_int_equal(outlet_append(&t.b, "y", 1), 0);
	assert_int_equal(t.a.error, EPIPE);
	assert_int_equal(t.b.error, 0);
	outlet_flush(&t.b);
	assert_int_equal(take(t.far_b, got, sizeof(got)), 1);
	assert_int_equal(got[0], 'y');
}

#define on_pair(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_pair(nothing_leaves_before_the_flush),
		on_pair(another_outlet_sends_the_former_one_first),
		on_pair(what_the_socket_does_not_take_blocks_and_keeps_its_order),
		on_pair(full_buffer_is_sent_to_make_room),
		on_pair(backlog_has_a_limit),
		on_pair(what_no_buffer_can_hold_finishes_the_outlet),
		on_pair(lost_connection_is_an_error_and_no_signal),
		on_pair(former_outlet_that_fails_does_not_hurt_the_next),
	};

	return cmocka_run_group_tests_name("net/gather", tests, NULL, NULL);
}
