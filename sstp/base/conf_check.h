/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_CONF_CHECK_H
#define SSTP_BASE_CONF_CHECK_H
/* Whether a document is what its schema allows. Private to conf. */
#include "sstp/base/conf_doc.h"

/* 0, or -EINVAL with the first objection in ret_error. */
int conf_check(struct conf_doc *doc, const char *path, const cyaml_schema_value_t *schema,
	       struct conf_error *ret_error);

#endif
