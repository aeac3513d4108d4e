/* SPDX-License-Identifier: ISC */
#include "net/tls_internal.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
#define TLS_GROUPS "X25519:P-256:P-384"

struct tls_server {
	SSL_CTX *ctx;
	uint8_t pin[TLS_PIN_SIZE];
};

struct tls_client {
	SSL_CTX *ctx;
	bool pinned;
	uint8_t pin[TLS_PIN_SIZE];
};

const char *
tls_error_text(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return text == NULL ? "no reason given" : text;
}

static int
pin_of(X509 *x, uint8_t pin_out[TLS_PIN_SIZE])
{
	unsigned char *der = NULL;
	unsigned int n = TLS_PIN_SIZE;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	int ok = len > 0 && EVP_Digest(der, (size_t)len, pin_out, &n, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return ok ? 0 : ERR_TLS;
}

static SSL_CTX *
context_new(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
		SSL_OP_PRIORITIZE_CHACHA);
	/* The output of a session may be moved between two tries (it is a growing buffer). */
	SSL_CTX_set_mode(
	    ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, TLS12_CIPHERS) != 1 || SSL_CTX_set1_groups_list(ctx, TLS_GROUPS) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

static int
server_load(struct tls_server *t, const char *certificate_path, const char *key_path, struct error *e)
{
	t->ctx = context_new(TLS_server_method());
	if (t->ctx == NULL)
		return error_set(e, ERR_TLS, "libssl makes no server context: %s", tls_error_text());
	if (SSL_CTX_use_certificate_chain_file(t->ctx, certificate_path) != 1)
		return error_set(
		    e, ERR_TLS, "'%s' is not read as a PEM certificate chain: %s", certificate_path, tls_error_text());
	if (SSL_CTX_use_PrivateKey_file(t->ctx, key_path, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(t->ctx) != 1)
		return error_set(e, ERR_TLS, "'%s' is not read as the PEM private key of '%s': %s", key_path,
		    certificate_path, tls_error_text());
	if (pin_of(SSL_CTX_get0_certificate(t->ctx), t->pin) != 0)
		return error_set(e, ERR_TLS, "the public key of '%s' cannot be hashed", certificate_path);
	return 0;
}

int
tls_server_new(const char *certificate_path, const char *key_path, struct tls_server **server_out, struct error *e)
{
	struct tls_server *t = mem_alloc(sizeof *t);
	int rc;

	if (t == NULL)
		return error_nomem(e);
	rc = server_load(t, certificate_path, key_path, e);
	if (rc != 0)
		tls_server_free(t);
	else
		*server_out = t;
	return rc;
}

void
tls_server_free(struct tls_server *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	mem_free(t);
}

const uint8_t *
tls_server_pin(const struct tls_server *t)
{
	return t->pin;
}

static int
client_load(struct tls_client *t, const struct tls_client_config *config, struct error *e)
{
	if (config->pin.len != 0 && config->pin.len != TLS_PIN_SIZE)
		return error_set(e, ERR_USAGE, "a pin has %u octets, not %zu", TLS_PIN_SIZE, config->pin.len);
	t->ctx = context_new(TLS_client_method());
	if (t->ctx == NULL)
		return error_set(e, ERR_TLS, "libssl makes no client context: %s", tls_error_text());
	if (config->pin.len != 0) {
		t->pinned = true;
		memcpy(t->pin, config->pin.data, TLS_PIN_SIZE);
	}
	if (config->ca_file != NULL) {
		if (SSL_CTX_load_verify_file(t->ctx, config->ca_file) != 1)
			return error_set(e, ERR_TLS, "'%s' is not read as PEM certificates of authorities: %s",
			    config->ca_file, tls_error_text());
	} else {
		(void)SSL_CTX_set_default_verify_paths(t->ctx); /* none there: nothing is believed but a pin */
		ERR_clear_error();
	}
	return 0;
}

int
tls_client_new(const struct tls_client_config *config, struct tls_client **client_out, struct error *e)
{
	struct tls_client *t = mem_alloc(sizeof *t);
	int rc;

	if (t == NULL)
		return error_nomem(e);
	rc = client_load(t, config, e);
	if (rc != 0)
		tls_client_free(t);
	else
		*client_out = t;
	return rc;
}

void
tls_client_free(struct tls_client *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	mem_free(t);
}

SSL *
tls_accept_new(const struct tls_server *t, int fd)
{
	SSL *ssl = SSL_new(t->ctx);

	if (ssl == NULL)
		return NULL;
	if (!tls_attach(ssl, fd)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}

static bool
is_address(const char *host)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);

	ASN1_OCTET_STRING_free(ip);
	ERR_clear_error();
	return ip != NULL;
}

SSL *
tls_connect_new(const struct tls_client *t, int fd, const char *host)
{
	SSL *ssl = SSL_new(t->ctx);
	bool ok;

	if (ssl == NULL)
		return NULL;
	/* RFC 6066 3: no SNI for a literal address. An address is checked against the certificate's iPAddress names. */
	if (is_address(host))
		ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	else
		/* What SSL_set_tlsext_host_name() is, without its cast of const away; it makes a copy. */
		ok = SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) ==
			1 &&
		    SSL_set1_host(ssl, host) == 1;
	if (!ok || !tls_attach(ssl, fd)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* The handshake goes on whatever it shows; tls_check_peer() decides before anything is sent. */
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* Printable ASCII only: these texts come from the other side and are shown to a person. */
static void
set_text(char *out, size_t size, const char *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++)
		out[n++] = from[i] >= 0x20 && from[i] < 0x7f ? from[i] : '?';
	out[n] = '\0';
}

static void
set_name(char *out, size_t size, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	out[0] = '\0';
	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(bio, &text);
		set_text(out, size, text, len < 0 ? 0 : (size_t)len);
	}
	BIO_free(bio);
}

static void
set_time(char *out, size_t size, const ASN1_TIME *time)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	out[0] = '\0';
	if (bio != NULL && ASN1_TIME_print(bio, time) == 1) {
		len = BIO_get_mem_data(bio, &text);
		set_text(out, size, text, len < 0 ? 0 : (size_t)len);
	}
	BIO_free(bio);
}

static void
set_names(char *out, size_t size, const X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	size_t at = 0;

	out[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS || at + 3 >= size)
			continue;
		if (at > 0) {
			out[at++] = ',';
			out[at++] = ' ';
		}
		set_text(out + at, size - at, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
		    (size_t)ASN1_STRING_length(name->d.dNSName));
		at += strlen(out + at);
	}
	GENERAL_NAMES_free(names);
}

static void
describe(X509 *x, const char *reason, struct tls_peer *peer)
{
	*peer = (struct tls_peer){ 0 };
	(void)pin_of(x, peer->pin);
	set_name(peer->subject, sizeof peer->subject, X509_get_subject_name(x));
	set_name(peer->issuer, sizeof peer->issuer, X509_get_issuer_name(x));
	set_names(peer->names, sizeof peer->names, x);
	set_time(peer->not_before, sizeof peer->not_before, X509_get0_notBefore(x));
	set_time(peer->not_after, sizeof peer->not_after, X509_get0_notAfter(x));
	set_text(peer->reason, sizeof peer->reason, reason, strlen(reason));
}

int
tls_check_peer(const struct tls_client *t, SSL *ssl, const char *host, struct tls_peer *peer_out, struct error *e)
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	long result = SSL_get_verify_result(ssl);
	const char *reason = result == X509_V_OK ? "" : X509_verify_cert_error_string(result);
	uint8_t pin[TLS_PIN_SIZE];

	if (x == NULL || pin_of(x, pin) != 0)
		return error_set(e, ERR_TLS, "%s shows no certificate", host);
	if (t->pinned && memcmp(pin, t->pin, TLS_PIN_SIZE) != 0)
		reason = "its key is not the one that was pinned";
	else if (t->pinned)
		reason = "";
	if (peer_out != NULL)
		describe(x, reason, peer_out);
	if (reason[0] == '\0')
		return 0;
	return error_set(e, ERR_TLS, "the certificate of %s is not believed: %s", host, reason);
}
