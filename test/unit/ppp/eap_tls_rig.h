/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_PPP_EAP_TLS_RIG_H
#define TEST_UNIT_PPP_EAP_TLS_RIG_H
/*
 * Two EAP-TLS engines that talk to each other, with certificates made for the test program: a
 * server and a client of root "root", named gateway.test and "worker 7".
 */
#include <openssl/ssl.h>

#include "sstp/ppp/eap_tls.h"
#include "test/support/testcert.h"

enum {
	RIG_PACKET_MAX = EAP_TLS_MESSAGE_MAX + 64,
};

/* What the rig's judge goes by, and what it has seen. */
struct eap_tls_rig_judge {
	const struct testcert *root;
	const struct testcert *revoked; /* NULL: none */
	unsigned calls;
	int chain_len;
};

/* What is left out is usual. */
struct eap_tls_rig_spec {
	int version; /* TLS1_2_VERSION, TLS1_3_VERSION; 0: both may */
	bool is_rsa; /* both certificates */
	const struct testcert *server;
	const struct testcert *server_too; /* beside it; none unless given */
	const struct testcert *client;
	const struct testcert *trusted;	  /* by the client */
	const struct testcert *authority; /* whose name the client is told; none unless given */
	const char *server_name;
	size_t fragment_max; /* 0: EAP_TLS_FRAGMENT_MAX */
	eap_tls_judge *judge;
	void *arg;
};

struct eap_tls_rig {
	struct eap_tls_ctx *server_ctx;
	struct eap_tls_ctx *client_ctx;
	struct eap_tls *server;
	struct eap_tls *client;
	struct eap_tls_rig_judge judge;
	size_t fragment_max;
	enum eap_tls_result server_result;
	enum eap_tls_result client_result;
	unsigned packets;		/* in both directions, the Start included */
	uint8_t packet[RIG_PACKET_MAX]; /* the last one, from whichever side */
	size_t len;
	/* Sees, and may change, each packet; NULL: none. */
	void (*on_packet)(struct eap_tls_rig *r, bool from_server);
	void *arg;
};

/* Certificates that every test may use; cmocka's group fixtures. */
extern const struct testcert *rig_root;
extern const struct testcert *rig_other_root;
int eap_tls_rig_setup(void **state);
int eap_tls_rig_teardown(void **state);

/*
 * A certificate of root "root" for the server or client, with what differs from the usual one.
 * Returns borrowed until the teardown.
 */
const struct testcert *eap_tls_rig_cert(const struct testcert_spec *spec);

/* Contexts and conversations. */
void eap_tls_rig_init(struct eap_tls_rig *r, const struct eap_tls_rig_spec *spec);
void eap_tls_rig_done(struct eap_tls_rig *r);

/*
 * One step: the server's Start, or the packet on its way goes to who it is for. False: nobody has
 * anything to say.
 */
bool eap_tls_rig_step(struct eap_tls_rig *r);

/* Until nobody has anything to say. */
void eap_tls_rig_run(struct eap_tls_rig *r);

/* Until that many packets were made. */
void eap_tls_rig_run_until(struct eap_tls_rig *r, unsigned packets);

/* One of the contexts, alone. */
struct eap_tls_ctx *eap_tls_rig_server_ctx(const struct eap_tls_rig_spec *spec,
					   struct eap_tls_rig_judge *judge);
struct eap_tls_ctx *eap_tls_rig_client_ctx(const struct eap_tls_rig_spec *spec);

/* The rig's judge; arg is a struct eap_tls_rig_judge. */
bool eap_tls_rig_judge(void *arg, X509 *leaf, STACK_OF(X509) * chain,
		       struct eap_tls_verdict *ret_verdict);

/* One call into an engine: the packet of the rig is its input, and then its output. */
enum eap_tls_result eap_tls_rig_input(struct eap_tls_rig *r, struct eap_tls *t);

/* Puts bytes where the packet on its way was. */
void eap_tls_rig_put(struct eap_tls_rig *r, const void *bytes, size_t len);

#endif
