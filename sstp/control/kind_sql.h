/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_KIND_SQL_H
#define SSTP_CONTROL_KIND_SQL_H
/* Words that the kinds' statements have in common. */

#define SQL_BOOL(x) "json(iif(" x ", 'true', 'false'))"
#define SQL_ETAG    "'\"' || version || '\"'"

/* The name at the end of an id; the name itself where it is one. */
#define SQL_LAST(x) "substr(" x ", 1 + length(rtrim(" x ", replace(" x ", '/', ''))))"

/* Which plan, app or VNet a path names; in a statement over one table only. */
#define SQL_PLAN "subscription = :subscription AND resource_group = :group AND name = :plan"
#define SQL_APP	 "subscription = :subscription AND resource_group = :group AND name = :app"
#define SQL_VNET "subscription = :subscription AND resource_group = :group AND name = :vnet"

#define SQL_PLAN_ID "(SELECT id FROM plan WHERE " SQL_PLAN ")"
#define SQL_APP_ID  "(SELECT id FROM app WHERE " SQL_APP ")"
#define SQL_VNET_ID "(SELECT id FROM vnet WHERE " SQL_VNET ")"
/* Connections name the VNet alone: it is unique over the gateway. */
#define SQL_VNET_BY_NAME "(SELECT id FROM vnet WHERE name = :vnet)"

/* An app's connection to :vnet; the connections of a plan's apps to it. */
#define SQL_CONNECTION "app_id = " SQL_APP_ID " AND vnet_id = " SQL_VNET_BY_NAME
#define SQL_PLAN_CONNECTIONS                                                     \
	"vnet_id = " SQL_VNET_BY_NAME " AND app_id IN (SELECT id FROM app WHERE" \
	" plan_id = " SQL_PLAN_ID ")"

/* The plan that an app's body names, by its id or, in the app's own resource group, by its name. */
/* clang-format off */
#define SQL_PLAN_OF_BODY                                                                      \
	"(SELECT id FROM plan WHERE resource_id = iif(instr(:body ->> 'plan', '/'),"           \
	" :body ->> 'plan', '/subscriptions/' || :subscription || '/resourceGroups/' || :group" \
	" || '/providers/Microsoft.Web/serverfarms/' || (:body ->> 'plan')))"
/* clang-format on */

/* B3: what a rule of after_all refuses. */
/* clang-format off */
#define SQL_SIXTH_VNET                                                                            \
	"SELECT 'Adding this VNET would exceed the App Service Plan VNET limit of 5'"              \
	" FROM (SELECT DISTINCT plan_id FROM touched JOIN app ON id = app_id) p"                   \
	" WHERE (SELECT count(DISTINCT c.vnet_id) FROM app a JOIN connection c ON c.app_id = a.id" \
	"  WHERE a.plan_id = p.plan_id) > 5"
/* clang-format on */

#endif
