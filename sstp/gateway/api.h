/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_API_H
#define SSTP_GATEWAY_API_H
/* The operator's API over TCP: from what gateway.yaml names to what a gate takes. */
#include "certs/error.h"
#include "sstp/control/tcp_front.h"
#include "sstp/gateway/config.h"

/*
 * Reads the files. 0 with what ret_settings holds owned, listen empty when config wants none; -errno with a
 * sentence that names the file.
 */
int api_open(const struct gateway_config *config, struct tcp_front_settings *ret_settings,
	     struct certs_error *ret_error);

#endif
