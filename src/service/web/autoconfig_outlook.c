/* SPDX-License-Identifier: ISC */
/* Outlook's Autodiscover: MS-OXDSCLI, as far as it is about IMAP, POP3 and SMTP. */
#include "base/json.h"
#include "base/xml.h"
#include "service/web/autoconfig.h"

#define ANSWER_SCHEMA "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
#define OUTLOOK_SCHEMA "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
#define SCHEMA_MAX 100u
#define JSON_PROTOCOL "AutodiscoverV1"
#define HTTPS_PORT 443u
#define DAY_S 86400u
#define HOUR_S 3600u
#define MINUTE_S 60u

/* ---- the request ---- */

enum wanted { WANTED_NOTHING, WANTED_ADDRESS, WANTED_SCHEMA };

struct request {
	struct buf *address;
	struct buf schema;
	enum wanted reading;
	bool has_address, has_schema;
};

/* <Autodiscover><Request><EMailAddress/><AcceptableResponseSchema/></Request></Autodiscover>; all else is passed over. */
static int
on_begin(void *ctx, const struct xml_element *element, struct error *e)
{
	struct request *r = ctx;

	if (element->depth == 1 && !slice_ieq_str(element->name, "Autodiscover"))
		return error_set(e, ERR_SYNTAX, "the document is no request of Autodiscover");
	r->reading = WANTED_NOTHING;
	if (element->depth != 3)
		return 0;
	if (slice_eq_str(element->name, "EMailAddress")) {
		if (r->has_address)
			return error_set(e, ERR_SYNTAX, "the request has more than one address");
		r->has_address = true;
		r->reading = WANTED_ADDRESS;
	} else if (slice_eq_str(element->name, "AcceptableResponseSchema") && !r->has_schema) {
		r->has_schema = true;
		r->reading = WANTED_SCHEMA;
	}
	return 0;
}

static int
on_text(void *ctx, struct slice piece, struct error *e)
{
	struct request *r = ctx;
	struct buf *to = r->reading == WANTED_ADDRESS ? r->address : r->reading == WANTED_SCHEMA ? &r->schema : NULL;

	if (to != NULL && buf_put_slice(to, piece) != 0)
		return error_set(e, to->err, "the request has a text that is too long");
	return 0;
}

static int
on_end(void *ctx, struct error *e)
{
	(void)e;
	((struct request *)ctx)->reading = WANTED_NOTHING;
	return 0;
}

int
autoconfig_read_outlook(struct slice document, struct buf *text, struct autoconfig_outlook *asked_out, struct error *e)
{
	static const struct xml_handler handler = { on_begin, on_text, on_end };
	struct request r = { .address = text };
	struct autoconfig_outlook asked = { 0 };
	int rc;

	buf_init(&r.schema, SCHEMA_MAX);
	rc = xml_read(document, &handler, &r, e);
	asked.address = slice_trim(buf_slice(text));
	/* Without a schema Outlook's is meant. */
	asked.other_schema = r.has_schema && !slice_eq_str(slice_trim(buf_slice(&r.schema)), OUTLOOK_SCHEMA);
	buf_done(&r.schema);
	if (rc == 0 && !autoconfig_is_address(asked.address))
		rc = error_set(e, ERR_SYNTAX, "the request has no address");
	if (rc == 0)
		*asked_out = asked;
	return rc;
}

/* ---- answers ---- */

static void
put_server(const struct autoconfig *a, struct slice address, const struct autoconfig_server *s, struct buf *out)
{
	static const char *const types[] = { "IMAP", "POP3", "SMTP" };

	(void)buf_put_str(out, "      <Protocol>\n");
	(void)xml_put_element(out, 4, "Type", slice_str(types[s->protocol]));
	(void)xml_put_element(out, 4, "Server", a->hostname);
	(void)buf_putf(out, "        <Port>%u</Port>\n", s->port);
	(void)xml_put_element(out, 4, "DomainRequired", SLICE("off"));
	(void)xml_put_element(out, 4, "LoginName", address);
	(void)xml_put_element(out, 4, "SPA", SLICE("off")); /* NTLM */
	(void)xml_put_element(out, 4, "SSL", SLICE("on"));
	/* "TLS" is their word for STARTTLS; it stands over SSL where it is known. */
	(void)xml_put_element(out, 4, "Encryption", s->start_tls ? SLICE("TLS") : SLICE("SSL"));
	(void)xml_put_element(out, 4, "AuthRequired", SLICE("on"));
	if (s->protocol == AUTOCONFIG_SMTP) {
		(void)xml_put_element(out, 4, "UsePOPAuth", SLICE("off"));
		(void)xml_put_element(out, 4, "SMTPLast", SLICE("off"));
	}
	(void)buf_put_str(out, "      </Protocol>\n");
}

int
autoconfig_write_outlook(const struct autoconfig *a, struct slice address, struct buf *out)
{
	static const enum autoconfig_protocol protocols[] = { AUTOCONFIG_IMAP, AUTOCONFIG_POP3, AUTOCONFIG_SMTP };
	struct autoconfig_server s;

	(void)buf_put_str(out,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Autodiscover xmlns=\"" ANSWER_SCHEMA "\">\n"
	    "  <Response xmlns=\"" OUTLOOK_SCHEMA "\">\n    <Account>\n");
	(void)xml_put_element(out, 3, "AccountType", SLICE("email"));
	(void)xml_put_element(out, 3, "Action", SLICE("settings"));
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
		if (autoconfig_best(&a->ports, protocols[i], &s))
			put_server(a, address, &s, out);
	return buf_put_str(out, "    </Account>\n  </Response>\n</Autodiscover>\n");
}

int
autoconfig_write_outlook_error(unsigned code, uint64_t now, struct buf *out)
{
	unsigned second = (unsigned)(now % DAY_S);
	const char *message = code == 500 ? "The email address cannot be found."
	    : code == 601                 ? "Settings of this kind are not available here."
					  : "Invalid Request";

	/* MS-OXDSCLI 2.2.4.1.1.3: the time of day, and a number of the server, of which there is one. */
	return buf_putf(out,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Autodiscover xmlns=\"" ANSWER_SCHEMA "\">\n"
	    "  <Response>\n    <Error Time=\"%02u:%02u:%02u.0000000\" Id=\"1\">\n"
	    "      <ErrorCode>%u</ErrorCode>\n      <Message>%s</Message>\n      <DebugData/>\n"
	    "    </Error>\n  </Response>\n</Autodiscover>\n",
	    second / HOUR_S, second % HOUR_S / MINUTE_S, second % MINUTE_S, code, message);
}

static void
put_address_of_xml(const struct autoconfig *a, struct buf *out)
{
	/* By our own name, which is in DNS and in the certificate for sure. */
	(void)buf_put_str(out, "https://");
	(void)buf_put_slice(out, a->hostname);
	if (a->ports.https != HTTPS_PORT)
		(void)buf_putf(out, ":%u", a->ports.https);
	(void)buf_put_str(out, "/autodiscover/autodiscover.xml");
}

bool
autoconfig_write_outlook_json(const struct autoconfig *a, struct slice protocol, struct buf *out)
{
	bool known = slice_ieq_str(protocol, JSON_PROTOCOL);
	struct json_value *o = json_value_object();
	BUF_OWNED struct buf url = { 0 };

	buf_init(&url, 1024);
	put_address_of_xml(a, &url);
	if (known) {
		json_value_set_str(o, "Protocol", JSON_PROTOCOL);
		json_value_set_text(o, "Url", buf_slice(&url));
	} else {
		json_value_set_str(o, "ErrorCode", protocol.len == 0 ? "MandatoryParameterMissing" : "InvalidProtocol");
		json_value_set_str(
		    o, "ErrorMessage", "The parameter 'Protocol' is to be '" JSON_PROTOCOL "' on this server.");
	}
	(void)json_value_write(o, false, out, NULL);
	json_value_free(o);
	return known;
}
