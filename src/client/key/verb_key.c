/* SPDX-License-Identifier: ISC */
/* `letterlock key`: the table of its verbs. */
#include "client/key/verbs.h"
#include "client/verbs.h"

static const char help[] =
    "letterlock key VERB\n"
    "\n"
    "  key new [ADDRESS]         make a key and its revocation certificate\n"
    "  key list [TEXT]           your keys and the certificates of others (--secret: only yours)\n"
    "  key show WHO              all about one: an address or a fingerprint\n"
    "  key find WHO              ask others for a certificate: an address, a fingerprint, a key ID, a name\n"
    "  key refresh [WHO]         ask again for what is known, without showing it all\n"
    "  key servers [URL...]      which key servers are asked, and through which proxy\n"
    "  key publish [WHO]         give your certificate to your exchange, or to key servers\n"
    "  key import FILE...        certificates, or secret keys (asks for their passphrase); - is standard input\n"
    "  key sync                  with the certificate directory that sq and other programs share\n"
    "  key certify WHO           say with your key whose it is, for others too (--local: for yourself)\n"
    "  key approve WHO           which of others' certifications travel with your key\n"
    "  key export WHO            the certificate; --secret the secret key, --web FOLDER as files for a web page\n"
    "  key trust WHO             is it whose it says, and why (--graph FILE.svg); who may say so: --introducer\n"
    "  key verify WHO            say that you compared the fingerprint with its owner\n"
    "  key expire WHO WHEN       when a key of yours expires: 2y, 30d, 2027-06-30, never\n"
    "  key user-id add|revoke|primary WHO USER-ID\n"
    "  key subkey add|revoke WHO [FINGERPRINT]\n"
    "  key revoke WHO            declare a key of yours void (--reason)\n"
    "  key passphrase WHO        change its passphrase\n"
    "  key confirm WHO on|off    whether the agent asks you before each use of it\n"
    "  key backup WHO            a copy for the drawer (--output FILE, --paper FILE.html)\n"
    "  key proof add|remove|list WHO [URI]   say on a key of yours which pages and accounts are yours\n"
    "  key restore FILE...       a key from its backup, also from pictures of the printed page\n"
    "\n"
    "Each has more to say: letterlock key VERB --help\n"
    "\n"
    "Examples:\n"
    "  letterlock key find bob@example.org\n"
    "  letterlock key export bob@example.org --output bob.pgp\n"
    "  letterlock key export --secret alice@example.org --output alice.key\n";

int
verb_key(int argc, char **argv)
{
	static const struct subverb table[] = {
		{ "new", key_new },
		{ "list", key_list },
		{ "show", key_show },
		{ "find", key_find },
		{ "refresh", key_refresh },
		{ "servers", key_servers },
		{ "publish", key_publish },
		{ "import", key_import },
		{ "export", key_export },
		{ "sync", key_sync },
		{ "certify", key_certify },
		{ "approve", key_approve },
		{ "trust", key_trust },
		{ "verify", key_verify },
		{ "expire", key_expire },
		{ "user-id", key_user_id_verbs },
		{ "subkey", key_subkey },
		{ "revoke", key_revoke },
		{ "passphrase", key_passphrase },
		{ "confirm", key_confirm_verb },
		{ "backup", key_backup },
		{ "restore", key_restore },
		{ "proof", key_proof },
	};

	return verb_dispatch(table, sizeof table / sizeof table[0], help, argc, argv);
}
