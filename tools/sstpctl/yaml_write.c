/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/yaml_write.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#include "tools/sstpctl/yaml_read.h"

/* libyaml takes the event in every case. */
static bool emit(yaml_emitter_t *e, yaml_event_t *ev, int made)
{
	return made && yaml_emitter_emit(e, ev);
}

static bool write_word(yaml_emitter_t *e, const char *text, size_t len, yaml_scalar_style_t style)
{
	yaml_event_t ev;

	return emit(e, &ev,
		    yaml_scalar_event_initialize(&ev, NULL, NULL, (const yaml_char_t *)text,
						 (int)len, 1, 1, style));
}

static bool write_text(yaml_emitter_t *e, const json_t *value)
{
	const char *text = json_string_value(value);

	/* the emitter quotes what needs it for other reasons */
	return write_word(e, text, json_string_length(value),
			  yaml_is_plain_text(text) ? YAML_ANY_SCALAR_STYLE
						   : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

/* null, true, false, numbers: JSON's words are YAML's. */
static bool write_json_word(yaml_emitter_t *e, const json_t *value)
{
	char text[64];
	size_t len = json_dumpb(value, text, sizeof(text), JSON_ENCODE_ANY);

	return len <= sizeof(text) && write_word(e, text, len, YAML_PLAIN_SCALAR_STYLE);
}

static bool write_value(yaml_emitter_t *e, const json_t *value);

/* Words in a list stand in one line. */
static yaml_sequence_style_t style_of(const json_t *list)
{
	const json_t *first = json_array_get(list, 0);

	return json_is_object(first) || json_is_array(first) ? YAML_BLOCK_SEQUENCE_STYLE
							     : YAML_FLOW_SEQUENCE_STYLE;
}

static bool write_list(yaml_emitter_t *e, const json_t *list)
{
	yaml_event_t ev;
	size_t i;
	const json_t *item;

	if (!emit(e, &ev, yaml_sequence_start_event_initialize(&ev, NULL, NULL, 1, style_of(list))))
		return false;
	json_array_foreach(list, i, item)
	{
		if (!write_value(e, item))
			return false;
	}
	return emit(e, &ev, yaml_sequence_end_event_initialize(&ev));
}

static bool write_object(yaml_emitter_t *e, const json_t *object)
{
	yaml_mapping_style_t style =
		json_object_size(object) ? YAML_BLOCK_MAPPING_STYLE : YAML_FLOW_MAPPING_STYLE;
	yaml_event_t ev;
	const char *key;
	json_t *value;

	if (!emit(e, &ev, yaml_mapping_start_event_initialize(&ev, NULL, NULL, 1, style)))
		return false;
	json_object_foreach((json_t *)object, key, value)
	{
		if (!write_word(e, key, strlen(key), YAML_ANY_SCALAR_STYLE) ||
		    !write_value(e, value))
			return false;
	}
	return emit(e, &ev, yaml_mapping_end_event_initialize(&ev));
}

static bool write_value(yaml_emitter_t *e, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: return write_object(e, value);
	case JSON_ARRAY: return write_list(e, value);
	case JSON_STRING: return write_text(e, value);
	default: return write_json_word(e, value);
	}
}

static bool write_document(yaml_emitter_t *e, const json_t *value)
{
	yaml_event_t ev;

	return emit(e, &ev, yaml_stream_start_event_initialize(&ev, YAML_UTF8_ENCODING)) &&
	       emit(e, &ev, yaml_document_start_event_initialize(&ev, NULL, NULL, NULL, 1)) &&
	       write_value(e, value) && emit(e, &ev, yaml_document_end_event_initialize(&ev, 1)) &&
	       emit(e, &ev, yaml_stream_end_event_initialize(&ev)) && yaml_emitter_flush(e);
}

static int on_write(void *arg, unsigned char *data, size_t len)
{
	return fwrite(data, 1, len, arg) == len;
}

int yaml_write(FILE *f, const json_t *value)
{
	yaml_emitter_t e;
	bool done;

	if (!yaml_emitter_initialize(&e))
		return -EIO;
	yaml_emitter_set_output(&e, on_write, f);
	yaml_emitter_set_width(&e, -1);
	yaml_emitter_set_unicode(&e, 1);
	done = write_document(&e, value);
	yaml_emitter_delete(&e);
	return done ? 0 : -EIO;
}
