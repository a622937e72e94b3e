/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_NOUNS_H
#define TOOLS_SSTPCTL_NOUNS_H
/* What the rows of the table (verbs.c) have in them: bodies, views, and verbs of several requests. */
#include "tools/sstpctl/body.h"
#include "tools/sstpctl/view.h"

/* plan.c */
extern const struct body_field plan_body[];
extern const struct view plan_list_view;
extern const struct view plan_view;
extern const struct view plan_synced_view;
int plan_show(struct call *c);
int plan_sync(struct call *c);

/* app.c */
extern const struct body_field app_body[];
extern const struct view app_list_view;
extern const struct view app_view;
int app_show(struct call *c);

/* vnet.c */
extern const struct body_field vnet_body[];
extern const struct body_field gateway_body[];
extern const struct body_field peering_body[];
extern const struct body_field peering_set_body[];
extern const struct view vnet_list_view;
extern const struct view vnet_view;
extern const struct view gateway_list_view;
extern const struct view gateway_view;
extern const struct view peering_list_view;
extern const struct view peering_view;
int vnet_show(struct call *c);
int gateway_list(struct call *c);
int peering_list(struct call *c);

/* bgp.c */
extern const struct view bgp_peers_view;
extern const struct view bgp_routes_view;
extern const struct view bgp_config_view;

/* connection.c */
extern const struct body_field route_body[];
extern const struct view connection_list_view;
extern const struct view connection_view;
extern const struct view effective_view; /* what is routed, and why; also a VNet's */
extern const struct view route_list_view;
extern const struct view route_view;
int connection_list(struct call *c);
int connection_show(struct call *c);
int connection_disconnect(struct call *c);
int connection_routes(struct call *c);
int route_list(struct call *c);
/* Lines of one of them, and what is routed there. */
void connection_print(const json_t *connection);

/* explain.c */
extern const struct view explain_view;
int explain_run(struct call *c);

/* trace.c */
extern const struct view trace_view;
int trace_run(struct call *c);
int trace_session(struct call *c);
/* doctor.c */
extern const struct view doctor_view;
int doctor_run(struct call *c);

/* session.c */
extern const struct view session_list_view;
extern const struct view session_view;
extern const struct view disconnected_view;
extern const struct view usage_view;
int session_disconnect(struct call *c);

/* timeline.c */
extern const struct view timeline_view;
int session_timeline(struct call *c);
/* top.c */
extern const struct view top_view;
int top_run(struct call *c);

/* metrics.c */
extern const struct view metrics_view;
int metrics_run(struct call *c);

/* cert.c */
extern const struct body_field token_body[];
extern const struct body_field root_body[];
extern const struct view token_view;
extern const struct view token_list_view;
extern const struct view cert_list_view;
extern const struct view cert_status_view;
extern const struct view revoked_view;
extern const struct view root_list_view;
extern const struct view root_rotated_view;
extern const struct view root_dropped_view;
int cert_revoke(struct call *c);

/* site.c */
extern const struct view site_view;
extern const struct view apply_view;
int site_apply(struct call *c);

/* store.c */
extern const struct body_field backup_body[];
extern const struct view backup_view;
extern const struct view backup_list_view;
extern const struct view operation_list_view;

/* get.c */
int get_run(struct call *c);

/* Lines of all of its keys. */
extern const struct view object_view;

#endif
