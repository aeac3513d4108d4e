/* SPDX-License-Identifier: ISC */
/*
 * Requests for the settings of mail clients (service/web/autoconfig.h has the
 * documents): the first stages of calls, for the table in service/web/web.c.
 *
 *   GET  /mail/config-v1.1.xml?emailaddress=ADDRESS, /.well-known/autoconfig/mail/config-v1.1.xml
 *   POST /autodiscover/autodiscover.xml (GET: an error, as clients that probe expect)
 *   GET  /autodiscover/autodiscover.json?Email=ADDRESS&Protocol=AutodiscoverV1, .../v1.0/ADDRESS?Protocol=...
 *   GET  /mail/NAME.mobileconfig?emailaddress=ADDRESS
 *   GET  / at autoconfig.DOMAIN
 *   GET  /.well-known/mta-sts.txt at mta-sts.DOMAIN: for mail servers (service/policy/own.h)
 *
 * A domain that is not ours is not found. Addresses are not looked up.
 */
#ifndef SERVICE_WEB_AUTOCONFIG_CALL_H
#define SERVICE_WEB_AUTOCONFIG_CALL_H

#include "service/web/call.h"

void autoconfig_thunderbird(struct web_call *call);
void autoconfig_outlook(struct web_call *call);
void autoconfig_outlook_json(struct web_call *call);
void autoconfig_apple(struct web_call *call);
void autoconfig_page(struct web_call *call);
void autoconfig_sts(struct web_call *call);
/* The same place over TLS; 404 for names that are not ours. */
void autoconfig_to_tls(struct web_call *call);

#endif
