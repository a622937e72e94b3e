/* SPDX-License-Identifier: Apache-2.0 */
/* What plans, apps and routes refuse: what must be there, what is in use, how many there may be. */
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

/* Takes a number as a text: it stands in the sentence too. */
#define AT_MOST(n, what, count)                                                   \
	{                                                                         \
		409, "SELECT 'The gateway holds at most " n " " what ".' WHERE (" \
		     "SELECT count(*) FROM " count ") > " n                       \
	}

/* B28: the names of the apps, the first ten. */
#define APPS(from)                                                        \
	"(SELECT group_concat(name, ', ') FROM (SELECT a.name FROM " from \
	" ORDER BY a.name LIMIT 10)) || iif((SELECT count(*) FROM " from ") > 10, ', ...', '')"

#define PLANS_APPS "app a WHERE a.plan_id = " SQL_PLAN_ID

const struct resource_rule rules_plan_before_remove[] = {
	{409,
	 "SELECT 'Server farm ''' || :plan || ''' cannot be deleted because it has web app(s) '"
	 " || " APPS(PLANS_APPS) " || ' assigned to it.'"
				 " WHERE EXISTS (SELECT 1 FROM " PLANS_APPS ")"},
	{0, NULL},
};

const struct resource_rule rules_plan_after_all[] = {
	AT_MOST("10000", "App Service plans", "plan"),
	{0, NULL},
};

const struct resource_rule rules_app_before_write[] = {
	{404, "SELECT 'There is no App Service plan ' || (:body ->> 'plan') || '.'"
	      " WHERE " SQL_PLAN_OF_BODY " IS NULL"},
	{0, NULL},
};

/* Whether an app may be connected is asked of the plan that it moves to as well. */
const struct resource_rule rules_app_after_all[] = {
	AT_MOST("10000", "apps", "app"),
	{409, SQL_SIXTH_VNET},
	{0, NULL},
};

/* A plan's route belongs to a network that its apps are connected to. */
const struct resource_rule rules_route_before_write[] = {
	{404, "SELECT 'Virtual network could not be found.' WHERE NOT EXISTS ("
	      "SELECT 1 FROM app JOIN connection ON app_id = app.id"
	      " WHERE plan_id = " SQL_PLAN_ID " AND vnet_id = " SQL_VNET_BY_NAME ")"},
	{0, NULL},
};

const struct resource_rule rules_route_after_all[] = {
	AT_MOST("100000", "routes", "route"),
	{0, NULL},
};

#undef APPS
