/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_VERBS_H
#define TOOLS_SSTPCTL_VERBS_H
/* All that sstpctl can do: the table that command line, help, completion and the manual page share. */
#include "tools/sstpctl/call.h"

extern const struct verb_table verbs_table;

#endif
