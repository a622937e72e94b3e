/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/parent_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/sealed.h"
#include "sstp/base/secret.h"
#include "sstp/gateway/certificates.h"

struct parent_set parent_set_none(void)
{
	return (struct parent_set){.yaml = -1, .files = -1};
}

/* What is parsed is what is sealed: the file may change in between. */
static int take_text(const struct conf_text *text, struct parent_set *s, struct conf_error *e)
{
	int r = gateway_config_parse(text, true, &s->config, e);

	if (r < 0)
		return r;
	s->yaml = sealed_new("gateway.yaml", text->bytes, text->len);
	if (s->yaml >= 0)
		return 0;
	r = s->yaml;
	conf_fail_plain(e, "%s: cannot be kept in memory: %s", text->path, strerror(-r));
	return r;
}

int parent_set_load(const char *path, struct parent_set *ret_set, struct conf_error *ret_error)
{
	struct parent_set s = parent_set_none();
	struct conf_text text = {.path = path};
	char *bytes;
	int r = conf_read(path, &bytes, &text.len, ret_error);

	if (r < 0)
		return r;
	text.bytes = bytes;
	r = take_text(&text, &s, ret_error);
	secret_wipe_bytes(bytes, text.len);
	free(bytes);
	if (r < 0) {
		parent_set_done(&s);
		return r;
	}
	*ret_set = s;
	return 0;
}

int parent_set_read_files(struct parent_set *s)
{
	struct pem_files files;
	uint8_t *bytes;
	size_t len;
	int r = certificates_read(s->config, &files);
	int fd;

	if (r < 0)
		return r;
	r = pem_files_encode(&files, &bytes, &len);
	pem_files_done(&files);
	if (r < 0)
		return r;
	fd = sealed_new("certificates", bytes, len);
	pem_files_wipe(bytes, len);
	if (fd < 0)
		return fd;
	if (s->files >= 0)
		close(s->files);
	s->files = fd;
	return 0;
}

void parent_set_done(struct parent_set *s)
{
	gateway_config_free(s->config);
	if (s->yaml >= 0)
		close(s->yaml);
	if (s->files >= 0)
		close(s->files);
	*s = parent_set_none();
}
