/* SPDX-License-Identifier: ISC */
#include "net/tls_outgoing.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "net/tls_internal.h"

#define NAME_OCTETS 256u

struct tls_outgoing {
	SSL_CTX *ctx;
};

void
tls_outgoing_free(struct tls_outgoing *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	mem_free(t);
}

/*
 * The system's authorities as one file, now: the folder of hashed names would be read in the middle of a handshake.
 * Without them no name is valid.
 */
static void
load_system(SSL_CTX *ctx)
{
	if (SSL_CTX_load_verify_file(ctx, "/etc/ssl/certs/ca-certificates.crt") != 1) /* Debian's */
		(void)SSL_CTX_load_verify_file(ctx, X509_get_default_cert_file());
	ERR_clear_error();
}

static int
make(struct tls_outgoing **out, struct error *e)
{
	struct tls_outgoing *t = mem_alloc(sizeof *t);

	if (t == NULL)
		return error_nomem(e);
	t->ctx = tls_client_context();
	if (t->ctx == NULL || SSL_CTX_dane_enable(t->ctx) <= 0) {
		tls_outgoing_free(t);
		return error_set(e, ERR_TLS, "libssl makes no client context: %s", tls_error_text());
	}
	(void)SSL_CTX_dane_set_flags(t->ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS); /* RFC 7672 section 3.1.1 */
	*out = t;
	return 0;
}

int
tls_outgoing_new(const char *ca_file, struct tls_outgoing **out, struct error *e)
{
	struct tls_outgoing *t;
	int rc = make(&t, e);

	if (rc != 0)
		return rc;
	if (ca_file == NULL) {
		load_system(t->ctx);
	} else if (SSL_CTX_load_verify_file(t->ctx, ca_file) != 1) {
		tls_outgoing_free(t);
		return error_set(
		    e, ERR_TLS, "'%s' is not read as PEM certificates of authorities: %s", ca_file, tls_error_text());
	}
	*out = t;
	return 0;
}

int
tls_outgoing_new_pem(struct slice authorities, struct tls_outgoing **out, struct error *e)
{
	struct tls_outgoing *t;
	int rc = make(&t, e);
	BIO *bio;
	X509 *x;

	if (rc != 0)
		return rc;
	bio = BIO_new_mem_buf(authorities.data, (int)authorities.len);
	while (bio != NULL && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		(void)X509_STORE_add_cert(SSL_CTX_get_cert_store(t->ctx), x);
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error(); /* that the text has ended */
	*out = t;
	return 0;
}

/* A certificate, or a public key, and nothing behind it: what libssl wants of one that is in the record itself. */
static bool
is_whole(uint8_t selector, struct slice data)
{
	const unsigned char *at = data.data;
	X509 *x = selector == 0 ? d2i_X509(NULL, &at, (long)data.len) : NULL;
	EVP_PKEY *key = selector == 1 ? d2i_PUBKEY(NULL, &at, (long)data.len) : NULL;
	bool ok = (key != NULL || (x != NULL && X509_get0_pubkey(x) != NULL)) && at == data.data + data.len;

	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

/* Usage, selector, matching type, data (RFC 6698 section 2.1). */
bool
tls_outgoing_tlsa_usable(struct slice rdata)
{
	uint8_t type;

	if (rdata.len < 4 || (rdata.data[0] != 2 && rdata.data[0] != 3) || rdata.data[1] > 1)
		return false;
	type = rdata.data[2];
	if (type == 0)
		return is_whole(rdata.data[1], slice_from(rdata, 3));
	return (type == 1 && rdata.len == 3 + 32) || (type == 2 && rdata.len == 3 + 64);
}

/* NUL-terminated; false: it cannot be a name. */
static bool
name_text(struct slice name, char out[NAME_OCTETS])
{
	if (name.len == 0 || name.len >= NAME_OCTETS || memchr(name.data, 0, name.len) != NULL)
		return false;
	memcpy(out, name.data, name.len);
	out[name.len] = '\0';
	return true;
}

static bool
set_names(SSL *ssl, const struct tls_outgoing_config *config, size_t from)
{
	char text[NAME_OCTETS];

	for (size_t i = from; i < config->name_count && i < TLS_OUTGOING_NAMES_MAX; i++)
		if (!name_text(config->names[i], text) ||
		    (i == 0 ? SSL_set1_host(ssl, text) : SSL_add1_host(ssl, text)) != 1)
			return false;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return true;
}

/* The first name is the TLSA base domain, and goes into SNI (RFC 7672 section 8.1). */
static bool
set_dane(SSL *ssl, const struct tls_outgoing_config *config)
{
	char text[NAME_OCTETS];
	size_t usable = 0;

	if (config->name_count == 0 || !name_text(config->names[0], text) || SSL_dane_enable(ssl, text) <= 0)
		return false;
	for (size_t i = 0; i < config->tlsa_count && i < TLS_OUTGOING_TLSA_MAX; i++) {
		struct slice r = config->tlsa[i];
		int added;

		if (!tls_outgoing_tlsa_usable(r))
			continue;
		added = SSL_dane_tlsa_add(ssl, r.data[0], r.data[1], r.data[2], r.data + 3, r.len - 3);
		if (added < 0)
			return false;
		usable += added > 0;
	}
	ERR_clear_error();
	return usable > 0 && set_names(ssl, config, 1);
}

/* What SSL_set_tlsext_host_name() is, without its cast of const away; it makes a copy. */
static bool
set_sni(SSL *ssl, struct slice host)
{
	char text[NAME_OCTETS];

	return host.len == 0 ||
	    (name_text(host, text) &&
		SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, text) == 1);
}

SSL *
tls_outgoing_ssl(const struct tls_outgoing_config *config, int fd)
{
	SSL *ssl = SSL_new(config->tls->ctx);
	bool ok;

	if (ssl == NULL)
		return NULL;
	if (config->need == TLS_OUTGOING_DANE)
		ok = set_dane(ssl, config);
	else
		ok = set_sni(ssl, config->host) && set_names(ssl, config, 0);
	if (!ok || !tls_attach(ssl, fd)) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	/* The handshake goes on whatever it shows; tls_outgoing_check() decides before anything is sent. */
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_connect_state(ssl);
	return ssl;
}

static bool
is_pinned(SSL *ssl, struct slice pin)
{
	uint8_t found[TLS_PIN_SIZE];
	X509 *x = SSL_get0_peer_certificate(ssl);

	return x != NULL && tls_pin_of(x, found) == 0 && slice_eq(slice_of(found, sizeof found), pin);
}

static enum tls_outgoing_fault
fault_of(long verify)
{
	switch (verify) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_OUTGOING_FAULT_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TLS_OUTGOING_FAULT_EXPIRED;
	case X509_V_ERR_DANE_NO_MATCH:
		return TLS_OUTGOING_FAULT_TLSA;
	default:
		return TLS_OUTGOING_FAULT_TRUST;
	}
}

static void
blame(struct tls_outgoing_facts *out, enum tls_outgoing_fault fault, const char *reason)
{
	out->fault = fault;
	(void)snprintf(out->reason, sizeof out->reason, "%s", reason);
}

static void
judge(const struct tls_outgoing_config *config, SSL *ssl, struct tls_outgoing_facts *out)
{
	long verify = SSL_get_verify_result(ssl);
	bool shown = SSL_get0_peer_certificate(ssl) != NULL;

	if (config->need == TLS_OUTGOING_PIN) {
		if (is_pinned(ssl, config->pin))
			out->verified = TLS_OUTGOING_BY_PIN;
		else
			blame(out, TLS_OUTGOING_FAULT_OTHER, "its key is not the one that was said");
	} else if (!shown) {
		blame(out, TLS_OUTGOING_FAULT_OTHER, "it shows no certificate");
	} else if (verify != X509_V_OK) {
		blame(out, fault_of(verify), X509_verify_cert_error_string(verify));
	} else if (config->need == TLS_OUTGOING_DANE) {
		if (SSL_get0_dane_authority(ssl, NULL, NULL) >= 0)
			out->verified = TLS_OUTGOING_BY_DANE;
		else
			blame(out, TLS_OUTGOING_FAULT_TLSA, "no TLSA record matches its certificate");
	} else if (config->name_count > 0) {
		out->verified = TLS_OUTGOING_BY_NAME;
	} else {
		blame(out, TLS_OUTGOING_FAULT_OTHER, "there is no name that its certificate should have");
	}
}

int
tls_outgoing_check(
    const struct tls_outgoing_config *config, SSL *ssl, struct tls_outgoing_facts *facts_out, struct error *e)
{
	static const enum tls_outgoing_verified wanted[] = {
		[TLS_OUTGOING_ANY] = TLS_OUTGOING_UNVERIFIED,
		[TLS_OUTGOING_NAME] = TLS_OUTGOING_BY_NAME,
		[TLS_OUTGOING_DANE] = TLS_OUTGOING_BY_DANE,
		[TLS_OUTGOING_PIN] = TLS_OUTGOING_BY_PIN,
	};

	*facts_out = (struct tls_outgoing_facts){ .version = tls_name_keep(slice_str(SSL_get_version(ssl))),
		.cipher = tls_name_keep(slice_str(SSL_get_cipher_name(ssl))) };
	judge(config, ssl, facts_out);
	ERR_clear_error();
	if (config->need == TLS_OUTGOING_ANY || facts_out->verified == wanted[config->need])
		return 0;
	return error_set(e, ERR_TLS, "the server's certificate is not good: %s", facts_out->reason);
}
