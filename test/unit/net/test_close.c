/* SPDX-License-Identifier: Apache-2.0 */
/* Shutting down and freeing, at every point where an owner may do it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "test/support/cmocka.h"
#include "test/unit/net/raw.h"

static void shutdown_ends_local_here_and_peer_there(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	stream_shutdown(rig->client.stream);
	stream_shutdown(rig->client.stream);
	assert_int_equal(stream_send(rig->client.stream, "x", 1), -EPIPE);
	assert_int_equal(rig->client.ended, 0);
	rig_run(rig, rig_both_ended);
	assert_int_equal(rig->client.why, STREAM_END_LOCAL);
	assert_string_equal(rig->client.text, "shut down");
	assert_int_equal(rig->server.why, STREAM_END_PEER);
	assert_string_equal(rig->server.text, "closed by the peer");
	assert_int_equal(rig->client.ended, 1);
	assert_int_equal(rig->server.ended, 1);
	assert_int_equal(stream_send(rig->server.stream, "x", 1), -EPIPE);
}

static void what_was_sent_before_shutdown_arrives(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	assert_int_equal(stream_send(rig->client.stream, "goodbye", 7), 0);
	stream_shutdown(rig->client.stream);
	rig_run(rig, rig_both_ended);
	assert_int_equal(rig->server.len, 7);
	assert_memory_equal(rig->server.data, "goodbye", 7);
}

static void shutdown_of_both_ends_at_once_is_local_on_both(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	stream_shutdown(rig->client.stream);
	stream_shutdown(rig->server.stream);
	rig_run(rig, rig_both_ended);
	assert_int_equal(rig->client.why, STREAM_END_LOCAL);
	assert_int_equal(rig->server.why, STREAM_END_LOCAL);
}

static void data_after_shutdown_is_discarded(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	assert_int_equal(stream_send(rig->server.stream, "late", 4), 0);
	stream_flush(rig->server.stream);
	stream_shutdown(rig->client.stream);
	rig_run(rig, rig_both_ended);
	assert_int_equal(rig->client.data_calls, 0);
	assert_int_equal(rig->client.why, STREAM_END_LOCAL);
}

static void shutdown_before_open_ends_without_a_handshake(void **state)
{
	struct rig *rig = *state;

	rig_connect(rig, "gateway.test");
	stream_shutdown(rig->client.stream);
	rig_run(rig, rig_client_ended);
	assert_int_equal(rig->client.why, STREAM_END_LOCAL);
	assert_int_equal(rig->client.opened, 0);
}

static struct raw raw;

static bool raw_is_open(struct rig *rig)
{
	return rig->server.opened && raw.open;
}

static bool raw_is_closed(struct rig *rig)
{
	return raw.closed;
}

static void peer_that_sends_on_and_on_is_cut_off(void **state)
{
	struct rig *rig = *state;
	uint8_t block[16384] = {0};

	raw_connect(&raw, rig);
	rig_run(rig, raw_is_open);
	for (int i = 0; i < 5; i++)
		raw_send(&raw, block, sizeof(block));
	stream_shutdown(rig->server.stream);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.why, STREAM_END_LOCAL);
	assert_string_equal(rig->server.text, "shut down while the peer went on sending");
	assert_int_equal(rig->server.data_calls, 0);
	raw_close(&raw);
}

static void peer_that_never_closes_is_waited_for_one_second(void **state)
{
	struct rig *rig = *state;
	uint64_t begin;

	raw_connect(&raw, rig);
	rig_run(rig, raw_is_open);
	begin = clock_now();
	stream_shutdown(rig->server.stream);
	rig_run(rig, raw_is_closed);
	/* close_notify came, and the FIN behind it */
	assert_int_equal(raw.error, SSL_ERROR_ZERO_RETURN);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.why, STREAM_END_LOCAL);
	assert_string_equal(rig->server.text, "shut down; the peer did not close its side");
	assert_in_range(clock_now() - begin, CLOCK_NS_PER_S - 50 * CLOCK_NS_PER_MS,
			2 * CLOCK_NS_PER_S);
	raw_close(&raw);
}

static ssize_t free_in_data(struct end *e, uint8_t *buf, size_t len)
{
	end_free(e);
	/* the bytes are the thread's, and stay readable in the call */
	assert_memory_equal(buf, "hello", 5);
	return -ECANCELED;
}

static ssize_t shut_down_in_data(struct end *e, uint8_t *buf, size_t len)
{
	stream_shutdown(e->stream);
	return (ssize_t)len;
}

static ssize_t free_other_in_data(struct end *e, uint8_t *buf, size_t len)
{
	end_free(&e->rig->client);
	return (ssize_t)len;
}

static ssize_t refuse_data(struct end *e, uint8_t *buf, size_t len)
{
	return -EPROTO;
}

static void greet(struct end *e)
{
	assert_int_equal(stream_send(e->stream, "hello", 5), 0);
}

static void free_in_end(struct end *e)
{
	end_free(e);
}

static void free_both(struct end *e)
{
	end_free(&e->rig->client);
	end_free(&e->rig->server);
}

static bool both_freed(struct rig *rig)
{
	return (rig->server.opened || rig->client.opened) && !rig->server.stream &&
	       !rig->client.stream;
}

static void free_inside_on_open(void **state)
{
	struct rig *rig = *state;

	rig->client.on_open = free_in_end;
	rig->server.on_end = free_in_end;
	rig_connect(rig, "gateway.test");
	rig_run(rig, rig_server_ended);
	assert_null(rig->client.stream);
	assert_int_equal(rig->client.ended, 0);
}

static void free_of_both_inside_on_open(void **state)
{
	struct rig *rig = *state;

	rig->server.on_open = free_both;
	rig_connect(rig, "gateway.test");
	rig_run(rig, both_freed);
	assert_int_equal(rig->client.ended + rig->server.ended, 0);
}

static void free_inside_on_data(void **state)
{
	struct rig *rig = *state;

	rig->client.on_open = greet;
	rig->client.on_end = free_in_end;
	rig->server.on_data = free_in_data;
	rig_connect(rig, "gateway.test");
	rig_run(rig, both_freed);
	assert_int_equal(rig->server.ended, 0);
	assert_int_equal(rig->client.ended, 1);
}

static void greet_and_leave(struct end *e)
{
	greet(e);
	stream_shutdown(e->stream);
}

static void free_inside_on_data_with_close_notify_behind_it(void **state)
{
	struct rig *rig = *state;

	rig->client.on_open = greet_and_leave;
	rig->client.on_end = free_in_end;
	rig->server.on_data = free_in_data;
	rig_connect(rig, "gateway.test");
	rig_run(rig, both_freed);
	assert_int_equal(rig->server.ended, 0);
	assert_int_equal(rig->client.why, STREAM_END_LOCAL);
}

static bool client_was_freed(struct rig *rig)
{
	return rig->client.opened && !rig->client.stream;
}

static void free_of_the_other_stream_inside_on_data(void **state)
{
	struct rig *rig = *state;

	rig->client.on_open = greet;
	rig->server.on_data = free_other_in_data;
	rig_connect(rig, "gateway.test");
	rig_run(rig, client_was_freed);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.why, STREAM_END_PEER);
	assert_string_equal(rig->server.text, "closed by the peer without close_notify");
	assert_int_equal(rig->client.ended, 0);
}

static void shutdown_inside_on_data(void **state)
{
	struct rig *rig = *state;

	rig->client.on_open = greet;
	rig->server.on_data = shut_down_in_data;
	rig_connect(rig, "gateway.test");
	rig_run(rig, rig_both_ended);
	assert_int_equal(rig->server.why, STREAM_END_LOCAL);
	assert_int_equal(rig->client.why, STREAM_END_PEER);
}

static void data_that_its_owner_refuses_ends_the_stream(void **state)
{
	struct rig *rig = *state;

	rig->client.on_open = greet;
	rig->server.on_data = refuse_data;
	rig_connect(rig, "gateway.test");
	rig_run(rig, rig_both_ended);
	assert_int_equal(rig->server.why, STREAM_END_LOCAL);
	assert_string_equal(rig->server.text, "ended by its owner: Protocol error");
}

static void free_inside_on_end(void **state)
{
	struct rig *rig = *state;

	rig->client.on_end = free_in_end;
	rig->server.on_end = free_in_end;
	rig_open(rig);
	stream_shutdown(rig->server.stream);
	rig_run(rig, both_freed);
	assert_int_equal(rig->server.ended, 1);
	assert_int_equal(rig->client.ended, 1);
}

static void stream_freed_while_its_end_waits_tells_nothing(void **state)
{
	struct rig *rig = *state;

	rig_connect(rig, "gateway.test");
	stream_shutdown(rig->client.stream);
	end_free(&rig->client);
	/* passes went by: the server saw the connection come and go */
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->client.ended, 0);
}

static void free_both_when_writable(struct end *e)
{
	free_both(e);
}

static void fill(struct end *e)
{
	static const uint8_t block[16384];

	while (stream_send(e->stream, block, sizeof(block)) == 0)
		;
	assert_true(stream_is_blocked(e->stream));
}

static void free_inside_on_writable(void **state)
{
	struct rig *rig = *state;

	rig->server.on_writable = free_both_when_writable;
	rig_open(rig);
	fill(&rig->server);
	rig_run(rig, both_freed);
	assert_int_equal(rig->server.writable, 1);
}

static void freed_stream_says_nothing_that_was_gathered(void **state)
{
	struct rig *rig = *state;

	rig_open(rig);
	assert_int_equal(stream_send(rig->client.stream, "unsaid", 6), 0);
	end_free(&rig->client);
	rig_run(rig, rig_server_ended);
	assert_int_equal(rig->server.len, 0);
	assert_int_equal(rig->server.why, STREAM_END_PEER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_rig(shutdown_ends_local_here_and_peer_there),
		on_rig(what_was_sent_before_shutdown_arrives),
		on_rig(shutdown_of_both_ends_at_once_is_local_on_both),
		on_rig(data_after_shutdown_is_discarded),
		on_rig(shutdown_before_open_ends_without_a_handshake),
		on_rig(peer_that_sends_on_and_on_is_cut_off),
		on_rig(peer_that_never_closes_is_waited_for_one_second),
		on_rig(free_inside_on_open),
		on_rig(free_of_both_inside_on_open),
		on_rig(free_inside_on_data),
		on_rig(free_inside_on_data_with_close_notify_behind_it),
		on_rig(free_of_the_other_stream_inside_on_data),
		on_rig(shutdown_inside_on_data),
		on_rig(data_that_its_owner_refuses_ends_the_stream),
		on_rig(free_inside_on_end),
		on_rig(stream_freed_while_its_end_waits_tells_nothing),
		on_rig(free_inside_on_writable),
		on_rig(freed_stream_says_nothing_that_was_gathered),
	};

	return cmocka_run_group_tests_name("net/close", tests, NULL, NULL);
}
