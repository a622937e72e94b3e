/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_FIELD_CHECK_H
#define SSTP_CONTROL_FIELD_CHECK_H
/* What a text in a field must be: each returns what is wrong, to stand behind its name, or NULL. */

/* An IPv4 prefix with its length, "10.1.0.0/16", without host bits. */
const char *field_check_prefix(const char *text);
/* A prefix that a point-to-site pool may be: within RFC 1918 (B11), of 8 addresses at least. */
const char *field_check_pool(const char *text);
/* An IPv4 address. */
const char *field_check_address(const char *text);
/* An https URI, bare: one in quotes breaks whoever takes it at its word. */
const char *field_check_uri(const char *text);

#endif
