/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_STORE_SCHEMA_H
#define SSTP_CONTROL_STORE_SCHEMA_H
/*
 * What the gateway's store holds: plans, apps, VNets, their gateways, connections, routes. The tables
 * are the truth, and go through migrations; the views above them are code, made anew at each start.
 */
#include "sstp/control/store.h"

extern const struct store_schema store_schema_model;

/* For store_script() once the store is open. */
extern const char store_schema_views[];

#endif
