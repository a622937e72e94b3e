/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_ENROLMENT_H
#define SSTP_GATEWAY_ENROLMENT_H
/* Enrolment, from the data plane to the control process and back. */
#include "sstp/gateway/control.h"
#include "sstp/session/dataplane.h"

/* Both borrowed; control is freed before the data plane. */
struct enrolment {
	struct dataplane *dataplane;
	struct control *control;
};

/* From now on clients are answered; e lives as long as both do. */
void enrolment_open(struct enrolment *e);

#endif
