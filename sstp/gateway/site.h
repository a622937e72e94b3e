/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_SITE_H
#define SSTP_GATEWAY_SITE_H
/*
 * The site, between control and the data plane (control/msg_site.h): what control tells of virtual networks, connections,
 * leases and who must go is put into effect; what the data plane tells of sessions goes to control.
 *
 * Control may tell before there is a data plane: up to SITE_EARLY_MAX bytes are kept until then.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/control/msg.h"
#include "sstp/session/dataplane.h"

enum {
	SITE_EARLY_MAX = 64 << 20, /* bytes */
};

struct gateway_site;

struct gateway_site_params {
	struct dataplane *dataplane; /* borrowed */
	uint16_t mtu;		     /* of VNets that are not of gateway.yaml */
	unsigned offload;
	/* Takes frame in every case; 0, or -errno and it is lost. */
	int (*send)(void *arg, uint8_t *frame, size_t len);
	void *arg;
};

/* Returns owned; NULL without memory. */
struct gateway_site *gateway_site_new(struct loop *loop);
/* Before the data plane is freed; nothing is told any more. Takes NULL. */
void gateway_site_free(struct gateway_site *s);

/* A message of control's. 0, -EBADMSG, -ENOMEM, -ENOBUFS: it is lost. Those that are no message of the site: -ENOENT. */
int gateway_site_on_message(struct gateway_site *s, enum msg_kind kind, const uint8_t *payload,
			    size_t len);

/* Here is a data plane with the VNets of gateway.yaml: what was kept is put into effect, and control is told of all. Once. */
int gateway_site_open(struct gateway_site *s, const struct gateway_site_params *params);

/* Control has started anew, and knows nothing of sessions; or gateway.yaml was read again. */
void gateway_site_tell_all(struct gateway_site *s);

#endif
