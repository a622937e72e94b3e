/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_KINDS_H
#define SSTP_CONTROL_KINDS_H
/* All kinds of resources there are, a file each, and the rules that they share. */
#include "sstp/control/resource.h"

extern const struct resource_kind kind_plan;
extern const struct resource_kind kind_app;
extern const struct resource_kind kind_vnet;
extern const struct resource_kind kind_gateway;
extern const struct resource_kind kind_peering;
extern const struct resource_kind kind_connection;   /* an app's */
extern const struct resource_kind kind_package;	     /* of a connection: its "primary" gateway */
extern const struct resource_kind kind_plan_network; /* what a plan's apps connect to; its sync */
extern const struct resource_kind kind_plan_package;
extern const struct resource_kind kind_route;

extern const char kind_plan_list[];
extern const char kind_plan_list_all[]; /* of a subscription */
extern const char kind_app_list[];
extern const char kind_app_list_all[];
extern const char kind_vnet_list[];
extern const char kind_vnet_list_all[];
extern const char kind_gateway_list[];
extern const char kind_peering_list[];
extern const char kind_connection_list[];
extern const char kind_connection_list_all[]; /* of a subscription; what is quick to tell */
extern const char kind_plan_network_list[];
extern const char kind_route_list[];
extern const char kind_route_get[]; /* as a list */
extern const char kind_subscription_list[];

extern const struct resource_rule rules_plan_before_remove[];
extern const struct resource_rule rules_plan_after_all[];
extern const struct resource_rule rules_app_before_write[];
extern const struct resource_rule rules_app_after_all[];
extern const struct resource_rule rules_vnet_before_write[];
extern const struct resource_rule rules_vnet_before_remove[];
extern const struct resource_rule rules_vnet_after_write[];
extern const struct resource_rule rules_vnet_after_all[];
extern const struct resource_rule rules_gateway_before_write[];
extern const struct resource_rule rules_gateway_before_remove[];
extern const struct resource_rule rules_gateway_after_write[];
extern const struct resource_rule rules_gateway_after_all[];
extern const struct resource_rule rules_peering_before_write[];
extern const struct resource_rule rules_peering_after_write[];
extern const struct resource_rule rules_peering_after_all[];
extern const struct resource_rule rules_connection_before_write[];
extern const struct resource_rule rules_connection_after_all[];
extern const struct resource_rule rules_sync_before_write[];
extern const struct resource_rule rules_route_before_write[];
extern const struct resource_rule rules_route_after_all[];

#endif
