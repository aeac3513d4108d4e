/* SPDX-License-Identifier: ISC */
/* Where others find the certificates of the domain's people. */
#include <stdio.h>

#include "client/audit/audit.h"

#define ANSWER_MAX (64u << 10)
#define HTTP_OK 200u
#define HTTP_NOT_FOUND 404u
#define SRV_HEAD 6u
#define HTTPS_PORT 443u

/* The draft's section 4.5: the file says that there is a directory, and may be empty. */
static int
ask_policy(struct audit *a, const char *prefix, bool advanced, unsigned *status, struct error *e)
{
	BUF_OWNED struct buf body = { .max = ANSWER_MAX }, path = { .max = 600 };
	struct slice host = arena_printf(&a->arena, "%s%.*s", prefix, AUDIT_S(a->settings->domain));

	(void)buf_put_str(&path, "/.well-known/openpgpkey/");
	if (advanced)
		(void)buf_putf(&path, "%.*s/", AUDIT_S(a->settings->domain));
	(void)buf_put_str(&path, "policy");
	(void)buf_put_u8(&path, 0);
	return audit_get(a, host, (const char *)path.data, &body, status, e);
}

static void
look_at_wkd(struct audit *a)
{
	unsigned status = 0;
	struct error e;
	int rc = ask_policy(a, "openpgpkey.", true, &status, &e);
	const char *how = "advanced";

	if (rc == ERR_NOT_FOUND) { /* only then clients ask the domain itself */
		how = "direct";
		rc = ask_policy(a, "", false, &status, &e);
	}
	if (rc == 0 && status == HTTP_OK)
		audit_find(a, CHECK_WKD, AUDIT_GOOD, SLICE_EMPTY, "it is there (%s method)", how);
	else if (rc == ERR_TLS)
		audit_find(a, CHECK_WKD, AUDIT_WEAK, SLICE_EMPTY, "its certificate is not good, so nobody asks it: %s",
		    e.text);
	else if (rc == 0)
		audit_find(
		    a, CHECK_WKD, AUDIT_NOTE, SLICE_EMPTY, "there is none (%s method: HTTP status %u)", how, status);
	else
		audit_find(a, CHECK_WKD, AUDIT_NOTE, SLICE_EMPTY, "there is none: %s", e.text);
}

static void
look_at_keyserver(struct audit *a)
{
	BUF_OWNED struct buf name = { .max = DNS_TEXT_MAX }, body = { .max = ANSWER_MAX };
	struct dns_answer answer;
	struct slice rdata;
	unsigned port, status = 0;
	struct error e;

	/* The name that GnuPG asks for. */
	if (audit_ask(a, "_pgpkey-https._tcp.", a->settings->domain, DNS_SRV, &answer, NULL) != ASKED_FOUND) {
		audit_find(a, CHECK_KEYSERVER, AUDIT_NOTE, SLICE_EMPTY, "DNS names none");
		return;
	}
	rdata = answer.records[0];
	if (rdata.len <= SRV_HEAD || dns_name_text(slice_from(rdata, SRV_HEAD), &name, NULL) != 0)
		return;
	port = (unsigned)(rdata.data[4] << 8 | rdata.data[5]);
	if (port != HTTPS_PORT) {
		audit_find(
		    a, CHECK_KEYSERVER, AUDIT_GOOD, SLICE_EMPTY, "hkps://%.*s:%u", AUDIT_S(buf_slice(&name)), port);
		return;
	}
	/* Nobody has this fingerprint: the honest answer is 404. */
	if (audit_get(a, buf_slice(&name),
		"/pks/lookup?op=get&options=mr&search=0x0000000000000000000000000000000000000000", &body, &status,
		&e) != 0)
		audit_find(a, CHECK_KEYSERVER, AUDIT_WEAK, SLICE_EMPTY, "it does not answer: %s", e.text);
	else
		audit_find(a, CHECK_KEYSERVER, status == HTTP_NOT_FOUND || status == HTTP_OK ? AUDIT_GOOD : AUDIT_NOTE,
		    SLICE_EMPTY, "hkps://%.*s answers%s", AUDIT_S(buf_slice(&name)),
		    status == HTTP_NOT_FOUND || status == HTTP_OK ? "" : ", but not as a key server does");
}

void
audit_keys(struct audit *a)
{
	look_at_wkd(a);
	look_at_keyserver(a);
}
