/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_CONF_DOC_H
#define SSTP_BASE_CONF_DOC_H
/* A YAML file in memory: its bytes and its tree with line numbers. Private to conf. */
#include <yaml.h>

#include "sstp/base/conf.h"

struct conf_doc {
	uint8_t *bytes; /* may hold passwords: wiped when done */
	size_t len;
	yaml_document_t tree; /* its texts are wiped as well */
	bool has_tree;
};

/*
 * Parses the text, or reads the file, within the limits of conf.h. 0; -errno as conf_load(), ret_error
 * filled. Either way conf_doc_done() must follow.
 */
int conf_doc_load(struct conf_doc *doc, const struct conf_text *text, struct conf_error *ret_error);
void conf_doc_done(struct conf_doc *doc);

/* Never NULL after conf_doc_load() succeeded. Returns borrowed. */
yaml_node_t *conf_doc_root(struct conf_doc *doc);
yaml_node_t *conf_doc_node(struct conf_doc *doc, int id);

/* Counted from 1. */
size_t conf_doc_line(const yaml_node_t *node);

/*
 * The line of the key or entry at yaml_path, or of the nearest thing around it; 0 for an empty
 * path.
 */
size_t conf_doc_line_at(struct conf_doc *doc, const char *yaml_path);

#endif
