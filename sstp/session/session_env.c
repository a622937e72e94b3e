/* SPDX-License-Identifier: Apache-2.0 */
/* What the sessions of a thread share, and the moment in each pass when what waits is packed. */
#include <errno.h>

#include "sstp/session/session_internal.h"

static void pack_dirty(void *arg)
{
	struct session_env *env = arg;

	session_flush_record(env);
	while (env->dirty) {
		struct session *s = env->dirty;

		env->dirty = s->next_dirty;
		s->is_dirty = false;
		if (s->stream)
			session_pack(s);
	}
}

int session_env_init(struct session_env *env, struct loop *loop)
{
	int r;

	memset(env, 0, sizeof(*env));
	env->loop = loop;
	pbuf_pool_init(&env->pool, SESSION_BUFFERS_MAX);
	/* before the streams' own hook, which sends what this one has packed */
	r = loop_on_pass_end(loop, pack_dirty, env);
	if (r < 0)
		return r;
	env->scratch = stream_scratch_new(loop);
	return env->scratch ? 0 : -errno;
}

void session_env_done(struct session_env *env)
{
	stream_scratch_free(env->scratch);
	pbuf_pool_done(&env->pool);
}
