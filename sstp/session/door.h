/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_DOOR_H
#define SSTP_SESSION_DOOR_H
/*
 * A data thread's door for clients with a certificate: EAP-TLS's context, whose judge goes by the access that is in effect.
 *
 * Who comes in that way is called "APP@VNET", so that one name says all that the certificate stands for; door_vnet() takes
 * the VNet out of it again. A user with a password may be called the same: whoever keeps something by name must tell the two
 * kinds apart.
 */
#include <stdbool.h>

#include "certs/name.h"
#include "sstp/ppp/eap_tls.h"
#include "sstp/session/access.h"

struct tls_ctx;

/*
 * One per thread, which outlives its sessions: the judge looks at it, also that of a context which a handshake keeps from
 * before. Zeros: closed.
 */
struct door {
	struct access *access; /* counted; by which the judge goes; NULL: nobody comes in */
	/* by offer of tls, each counted, or NULL: not needed yet; NULL: closed */
	struct eap_tls_ctx **eap_tls;
	struct tls_ctx *tls;  /* counted; whose certificates eap_tls shows */
	struct access *shown; /* counted; whose roots eap_tls shows */
};

/*
 * From now on access (NULL: none, and the door is closed) counts, and clients are shown the certificates of tls; each gets
 * one more reference. 0, or -errno with a sentence: access counts all the same, but clients are shown what they were
 * before; if that was nothing, the door stays closed. The next call tries again.
 *
 * EAP-TLS's contexts are made anew only where they would be others: with another tls, or other roots. To make one takes
 * 2 ms in which the thread forwards nothing, and access changes with every certificate that is issued.
 */
int door_open(struct door *d, struct access *access, struct tls_ctx *tls,
	      char ret_error[EAP_TLS_REASON_MAX]);

/*
 * For a client that has dialled this name (stream_server_name()): shows what the door's tls shows for it. Returns borrowed until
 * the door is opened or closed, NULL: it is closed. The default's is made when the door opens, since most need no other;
 * another one the first time that it is asked for, with an SSL_CTX of its own. Where there is no memory for it, it is the
 * default.
 *
 * By name, and not by which offer the client was shown in its handshake: that may have begun before the door was opened
 * with another tls, whose offers are others.
 */
struct eap_tls_ctx *door_eap_tls(struct door *d, const char *dialled);

/* Lets nobody in any more. Takes a zeroed one. */
void door_close(struct door *d);

/* The VNet in a name that the judge gave; false: it is none. */
bool door_vnet(const char *name, char ret_vnet[NAME_LABEL_MAX]);

/*
 * The app in such a name. False: the certificate, which memo is of, is none of ours but below somebody else's root, and whom it
 * names is no app.
 */
bool door_app(const uint8_t *memo, const char *name, char ret_app[NAME_LABEL_MAX]);

/*
 * For sessions that are up. memo: LINK_MEMO_SIZE bytes by the door's judge, thumbprint likewise, now in s since 1970, UTC.
 * Would this certificate still be let in? NULL: yes; else why not: a literal.
 */
const char *door_judge_again(const struct door *d, const uint8_t *memo, const char *thumbprint,
			     int64_t now);

/* The last second in which the certificate is in force. */
int64_t door_not_after(const uint8_t *memo);

#endif
