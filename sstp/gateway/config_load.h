/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_CONFIG_LOAD_H
#define SSTP_GATEWAY_CONFIG_LOAD_H
/* From raw to resolved, section by section. Private to config. */
#include "sstp/gateway/config.h"
#include "sstp/gateway/config_schema.h"

enum {
	LOAD_WHERE_MAX = 128
};

struct load {
	const char *path;
	const struct conf_text *text; /* of that path */
	bool looks_at_files;	      /* those that it names */
	const struct gateway_raw *raw;
	struct gateway_config *config;
	struct conf_error *error;
	char where[LOAD_WHERE_MAX]; /* the value in hand, as conf_fail() takes it */
};

/* Names the value in hand: load_at(l, "vnets[%zu].mtu", i). */
void load_at(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "FILE:LINE: 'WHERE' text". Returns -EINVAL. */
int load_fail(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same without WHERE: "FILE:LINE: text". */
int load_fail_at(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Returns -ENOMEM. */
int load_no_memory(struct load *l);

/* A copy in *ret_text, owned. 0 or -ENOMEM. */
int load_text(struct load *l, const char *text, char **ret_text);

/* "192.0.2.1:443" or "[2001:db8::1]:443": 0; otherwise load_fail(). */
int load_check_endpoint(struct load *l, const char *text);

/* The value in hand names a file, which holds a PEM block of this label; its path is owned. */
int load_pem(struct load *l, const char *file, const char *label, char **ret_path);

/* config_vnet.c */
bool load_is_name(const char *text); /* of letters, digits, '.', '_' and '-' */
int load_vnets(struct load *l);
void vnet_done(struct gateway_vnet *v);

/* "names '...', which is none of the vnets", where it is none. */
int load_vnet_named(struct load *l, const char *name, size_t *ret_index);

/* config_certificate.c; after the VNets */
int load_certificates(struct load *l);
void certificate_done(struct gateway_certificate *c);

/* config_control.c; after the certificates */
int load_control(struct load *l);
void control_done(struct gateway_config *config);

/* config_api.c; after the control process */
int load_api(struct load *l);
void api_done(struct gateway_api *api);

/* config_user.c; after the VNets */
int load_users(struct load *l);
void user_done(struct gateway_user *u);

#endif
