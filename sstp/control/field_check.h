/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_FIELD_CHECK_H
#define SSTP_CONTROL_FIELD_CHECK_H
/* What a text in a field must be: each returns what is wrong, to stand behind its name, or NULL. */

/* A prefix with its length, "10.1.0.0/16" or "fd00:1::/48", without host bits. */
const char *field_check_prefix(const char *text);
/*
 * A prefix that a point-to-site pool may be: within RFC 1918 (B11), of 8 addresses at least; or global or
 * unique local IPv6, of 256 networks of /64 at least: each session has one.
 */
const char *field_check_pool(const char *text);
/* An address, IPv4 or IPv6. */
const char *field_check_address(const char *text);
/* A domain to search names in, "corp.example.com": labels of letters, digits and '-'. */
const char *field_check_domain(const char *text);
/* A virtual network's name, or its resource's id. */
const char *field_check_vnet(const char *text);
/* The name of a network namespace ("ip netns"), or "". */
const char *field_check_netns(const char *text);
/* An https URI, bare: one in quotes breaks whoever takes it at its word. */
const char *field_check_uri(const char *text);

#endif
