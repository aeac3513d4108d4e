/* SPDX-License-Identifier: ISC */
/*
 * Whether the certificate that is used now is one of which our own TLSA records
 * (RFC 7672) say that it is ours. If it is not, senders that check DANE give us
 * no mail: the log says so at the start and each time the settings are read,
 * for nobody else would. In the process resolver, which can ask.
 */
#ifndef DAEMON_OWN_TLSA_H
#define DAEMON_OWN_TLSA_H

#include "base/slice.h"
#include "net/dns.h"

/* Asks, and says what comes of it later. chain: PEM, copied; empty: nothing is asked. */
void own_tlsa_look(struct dns *d, struct slice hostname, struct slice chain);

#endif
