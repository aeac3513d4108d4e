/* SPDX-License-Identifier: ISC */
/* Apple's configuration profile: a property list with one com.apple.mail.managed payload. */
#include "base/xml.h"
#include "crypto/hash.h"
#include "service/web/autoconfig.h"

#define UUID_SIZE 16u
#define UUID_TEXT 37u

/*
 * Profiles are known by their UUIDs: the same address always gives the same, so that a newer profile takes the place of
 * an older one. Version 5 of RFC 9562 (5.5) in the namespace of URLs.
 */
static int
uuid_of(struct slice url, const char *part, char text_out[UUID_TEXT], struct error *e)
{
	static const uint8_t namespace_url[UUID_SIZE] = { 0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4,
		0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 };
	uint8_t d[HASH_SIZE_MAX];
	BUF_OWNED struct buf name = { 0 };
	struct buf text;
	int rc;

	buf_init(&name, 1024);
	(void)buf_put(&name, namespace_url, sizeof namespace_url);
	for (size_t i = 0; i < url.len; i++)
		(void)buf_put_u8(&name, ascii_lower(url.data[i]));
	(void)buf_putf(&name, "#%s", part);
	if (name.err != 0)
		return error_set(e, name.err, "the address is too long");
	rc = hash_once(HASH_SHA1, buf_slice(&name), d, e);
	if (rc != 0)
		return rc;
	d[6] = (uint8_t)((d[6] & 0x0f) | 0x50);
	d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
	buf_init(&text, UUID_TEXT);
	for (size_t i = 0; i < UUID_SIZE; i++)
		(void)buf_putf(&text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02X" : "%02X", d[i]);
	rc = text.err != 0 ? error_nomem(e) : 0;
	for (size_t i = 0; rc == 0 && i < text.len; i++)
		text_out[i] = (char)text.data[i];
	text_out[UUID_TEXT - 1] = '\0';
	buf_done(&text);
	return rc;
}

static void
put_text(struct buf *out, unsigned depth, const char *key, struct slice text)
{
	(void)xml_put_element(out, depth, "key", slice_str(key));
	(void)xml_put_element(out, depth, "string", text);
}

static void
put_number(struct buf *out, unsigned depth, const char *key, unsigned number)
{
	(void)xml_put_element(out, depth, "key", slice_str(key));
	(void)buf_putf(out, "%*s<integer>%u</integer>\n", (int)depth * 2, "", number);
}

static void
put_flag(struct buf *out, unsigned depth, const char *key, bool yes)
{
	(void)xml_put_element(out, depth, "key", slice_str(key));
	(void)buf_putf(out, "%*s<%s/>\n", (int)depth * 2, "", yes ? "true" : "false");
}

static void
put_payload(struct buf *out, unsigned depth, const char *type, const char *uuid, struct slice name)
{
	put_text(out, depth, "PayloadDisplayName", name);
	(void)xml_put_element(out, depth, "key", SLICE("PayloadIdentifier"));
	(void)buf_putf(out, "%*s<string>letterlock.mail.%s</string>\n", (int)depth * 2, "", uuid);
	put_text(out, depth, "PayloadType", slice_str(type));
	put_text(out, depth, "PayloadUUID", slice_str(uuid));
	put_number(out, depth, "PayloadVersion", 1);
}

/* Apple's programs find STARTTLS by themselves on its ports: UseSSL only says that there must be TLS. */
static void
put_account(const struct autoconfig *a, struct slice address, const struct autoconfig_server *in,
    const struct autoconfig_server *smtp, struct buf *out)
{
	put_text(out, 3, "EmailAccountDescription", a->domain);
	put_text(out, 3, "EmailAccountType",
	    in->protocol == AUTOCONFIG_IMAP ? SLICE("EmailTypeIMAP") : SLICE("EmailTypePOP"));
	if (address.len > 0)
		put_text(out, 3, "EmailAddress", address);
	put_text(out, 3, "IncomingMailServerAuthentication", SLICE("EmailAuthPassword"));
	put_text(out, 3, "IncomingMailServerHostName", a->hostname);
	put_number(out, 3, "IncomingMailServerPortNumber", in->port);
	put_flag(out, 3, "IncomingMailServerUseSSL", true);
	if (address.len > 0)
		put_text(out, 3, "IncomingMailServerUsername", address);
	put_text(out, 3, "OutgoingMailServerAuthentication", SLICE("EmailAuthPassword"));
	put_text(out, 3, "OutgoingMailServerHostName", a->hostname);
	put_number(out, 3, "OutgoingMailServerPortNumber", smtp->port);
	put_flag(out, 3, "OutgoingMailServerUseSSL", true);
	if (address.len > 0)
		put_text(out, 3, "OutgoingMailServerUsername", address);
	put_flag(out, 3, "OutgoingPasswordSameAsIncomingPassword", true);
}

static int
put_profile(const struct autoconfig *a, struct slice address, const struct autoconfig_server *in,
    const struct autoconfig_server *smtp, struct buf *out, struct error *e)
{
	char profile[UUID_TEXT], account[UUID_TEXT];
	BUF_OWNED struct buf url = { 0 };
	int rc;

	buf_init(&url, 512);
	(void)buf_put_str(&url, "mailto:");
	(void)buf_put_slice(&url, address.len > 0 ? address : a->domain);
	rc = url.err != 0 ? error_nomem(e) : uuid_of(buf_slice(&url), "profile", profile, e);
	if (rc == 0)
		rc = uuid_of(buf_slice(&url), "account", account, e);
	if (rc != 0)
		return rc;
	(void)buf_put_str(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	    "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	    "<plist version=\"1.0\">\n<dict>\n"
	    "  <key>PayloadContent</key>\n  <array>\n    <dict>\n");
	put_account(a, address, in, smtp, out);
	put_payload(out, 3, "com.apple.mail.managed", account, a->domain);
	(void)buf_put_str(out, "    </dict>\n  </array>\n");
	put_text(out, 1, "PayloadDescription",
	    SLICE("The servers of a mail account. The password is asked for on the device."));
	put_text(out, 1, "PayloadOrganization", a->domain);
	put_flag(out, 1, "PayloadRemovalDisallowed", false);
	put_payload(out, 1, "Configuration", profile, address.len > 0 ? address : a->domain);
	return buf_put_str(out, "</dict>\n</plist>\n");
}

int
autoconfig_write_apple(const struct autoconfig *a, struct slice address, struct buf *out, struct error *e)
{
	struct autoconfig_server in, smtp;
	int rc;

	if (!autoconfig_best(&a->ports, AUTOCONFIG_SMTP, &smtp) ||
	    (!autoconfig_best(&a->ports, AUTOCONFIG_IMAP, &in) && !autoconfig_best(&a->ports, AUTOCONFIG_POP3, &in)))
		return error_set(e, ERR_NOT_FOUND, "no mail program can be used here");
	rc = put_profile(a, address, &in, &smtp, out, e);
	return rc == ERR_NOMEM || rc == ERR_LIMIT ? error_nomem(e) : rc;
}
