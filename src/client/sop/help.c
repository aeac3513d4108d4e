/* SPDX-License-Identifier: ISC */
/* What each subcommand says of itself. */
#include <stdio.h>
#include <string.h>

#include "client/sop/sop.h"

static const struct help {
	const char *name, *usage; /* usage: behind the name; further lines are indented by the printer */
	const char *what, *example;
} helps[] = {
	{ "version", "[--backend | --extended | --sop-spec | --sopv]",
	    "Prints name and version of this program; or of the library beneath it, more lines of it,\n"
	    "the revision of the interface that it follows, the version of its verifying part (sopv).\n",
	    "letterlock sop version --extended" },
	{ "list-profiles", "SUBCOMMAND",
	    "Prints the profiles of generate-key or encrypt, one a line. The first is the default.\n",
	    "letterlock sop list-profiles generate-key" },
	{ "generate-key",
	    "[--no-armor] [--profile=NAME] [--with-key-password=PASSWORD]\n"
	    "[--signing-only] [USERID...]",
	    "Prints a new secret key. With --signing-only it has no key to encrypt to.\n",
	    "letterlock sop generate-key 'Alice <alice@example.org>' > alice.key" },
	{ "change-key-password", "[--no-armor] [--new-key-password=PASSWORD] [--old-key-password=PASSWORD...]",
	    "Prints the secret keys of standard input locked by the new password, or unlocked\n"
	    "without one. Every old password is tried for every part of a key.\n",
	    "letterlock sop change-key-password --new-key-password=secret.txt < alice.key > locked.key" },
	{ "revoke-key", "[--no-armor] [--with-key-password=PASSWORD...]",
	    "Prints the certificates of the secret keys on standard input, revoked for no given\n"
	    "reason. Of a version 6 key it is the primary key and its revocation alone.\n",
	    "letterlock sop revoke-key < alice.key > alice-revoked.cert" },
	{ "extract-cert", "[--no-armor]", "Prints the certificates of the secret keys on standard input.\n",
	    "letterlock sop extract-cert < alice.key > alice.cert" },
	{ "update-key",
	    "[--no-armor] [--signing-only] [--no-added-capabilities]\n"
	    "[--revoke-deprecated-keys] [--with-key-password=PASSWORD...]\n"
	    "[--merge-certs=CERTS...]",
	    "Prints the secret keys of standard input with everything renewed that has grown old:\n"
	    "self-signatures over weak hashes, what it announces, and a missing key to encrypt to.\n"
	    "--signing-only adds no such key, --no-added-capabilities announces nothing new,\n"
	    "--revoke-deprecated-keys revokes subkeys that are too weak for today,\n"
	    "--merge-certs takes in what others know of the key.\n",
	    "letterlock sop update-key --merge-certs=found.cert < alice.key > alice-new.key" },
	{ "merge-certs", "[--no-armor] [CERTS...]",
	    "Prints the certificates of standard input with what the given copies of them have more.\n",
	    "letterlock sop merge-certs news.cert < alice.cert > alice-merged.cert" },
	{ "certify-userid",
	    "--userid=USERID [--userid=USERID...] [--no-armor]\n"
	    "[--no-require-self-sig] [--with-key-password=PASSWORD...] KEY...",
	    "Prints the certificates of standard input with certifications of these user IDs by the\n"
	    "given keys. --no-require-self-sig certifies also what the owner did not.\n",
	    "letterlock sop certify-userid --userid='Bob <bob@example.org>' alice.key < bob.cert" },
	{ "validate-userid", "[--addr-spec-only] [--validate-at=DATE] USERID CERT...",
	    "Ends with 0 when every certificate of standard input has this user ID, certified by one\n"
	    "of the given ones. --addr-spec-only: USERID is an address, whatever the name with it.\n",
	    "letterlock sop validate-userid --addr-spec-only bob@example.org alice.cert < bob.cert" },
	{ "sign",
	    "[--no-armor] [--as=binary|text] [--micalg-out=FILE]\n"
	    "[--with-key-password=PASSWORD...] KEY...",
	    "Prints a detached signature of standard input by each key.\n",
	    "letterlock sop sign alice.key < plan.txt > plan.txt.asc" },
	{ "verify", "[--not-before=DATE] [--not-after=DATE] SIGNATURES CERT...",
	    "Checks detached signatures of standard input and prints a line for each good one.\n",
	    "letterlock sop verify plan.txt.asc alice.cert < plan.txt" },
	{ "encrypt",
	    "[--no-armor] [--as=binary|text] [--for=any|storage|communications]\n"
	    "[--profile=NAME] [--with-password=PASSWORD...] [--sign-with=KEY...]\n"
	    "[--with-key-password=PASSWORD...] [--session-key-out=FILE] [CERT...]",
	    "Encrypts standard input for certificates and passwords, signed when keys are given.\n",
	    "letterlock sop encrypt --sign-with=alice.key bob.cert < plan.txt > plan.asc" },
	{ "decrypt",
	    "[--session-key-out=FILE] [--with-session-key=KEY...]\n"
	    "[--with-password=PASSWORD...] [--with-key-password=PASSWORD...]\n"
	    "[--verify-with=CERT...] [--verifications-out=FILE]\n"
	    "[--verify-not-before=DATE] [--verify-not-after=DATE] [KEY...]",
	    "Decrypts standard input. Nothing comes out before its integrity is proven.\n",
	    "letterlock sop decrypt --verify-with=alice.cert --verifications-out=said.txt bob.key < plan.asc" },
	{ "inline-sign",
	    "[--no-armor] [--as=binary|text|clearsigned]\n"
	    "[--with-key-password=PASSWORD...] KEY...",
	    "Prints standard input as a signed message; clearsigned is one that people can read.\n",
	    "letterlock sop inline-sign --as=clearsigned alice.key < plan.txt > signed.asc" },
	{ "inline-verify", "[--not-before=DATE] [--not-after=DATE] [--verifications-out=FILE] CERT...",
	    "Prints what a signed message says when one of its signatures is good.\n",
	    "letterlock sop inline-verify --verifications-out=said.txt alice.cert < signed.asc > plan.txt" },
	{ "inline-detach", "[--no-armor] --signatures-out=FILE",
	    "Prints what a signed message says, and puts its signatures aside. Nothing is checked.\n",
	    "letterlock sop inline-detach --signatures-out=plan.sig < signed.asc > plan.txt" },
	{ "armor", "", "To text. What is text already goes through as it is.\n", "letterlock sop armor < alice.pgp" },
	{ "dearmor", "", "From text to octets.\n", "letterlock sop dearmor < alice.cert > alice.pgp" },
};

static const char all_head[] =
    "letterlock sop SUBCOMMAND [OPTION...] [ARGUMENT...]\n"
    "\n"
    "The Stateless OpenPGP interface. Data goes from standard input to standard output.\n"
    "Keys, certificates, passwords and signatures are files, @FD:N (a descriptor) or\n"
    "@ENV:NAME (an environment variable); results beside standard output are new files or\n"
    "@FD:N. Dates are ISO 8601, `now`, or `-` for no bound. --debug is taken everywhere and\n"
    "changes nothing.\n"
    "\n";
static const char all_end[] = "\n"
			      "`letterlock sop SUBCOMMAND --help` says more, with an example. letterlock(1) has the\n"
			      "exit statuses.\n";

/* Name and usage, further lines below its first word. */
static void
put_usage(const struct help *h, const char *before)
{
	size_t indent = strlen(before) + strlen(h->name) + 1;

	(void)printf("%s%s", before, h->name);
	if (h->usage[0] != 0)
		(void)putchar(' ');
	for (const char *c = h->usage; *c != 0; c++) {
		(void)putchar(*c);
		if (*c == '\n')
			(void)printf("%*s", (int)indent, "");
	}
	(void)putchar('\n');
}

bool
sop_help(const char *subcommand)
{
	size_t count = sizeof helps / sizeof helps[0];

	if (subcommand == NULL)
		(void)fputs(all_head, stdout);
	for (size_t i = 0; i < count; i++) {
		if (subcommand == NULL)
			put_usage(&helps[i], "  ");
		else if (strcmp(helps[i].name, subcommand) == 0) {
			put_usage(&helps[i], "letterlock sop ");
			(void)printf("\n%s\nExample:\n\n  %s\n", helps[i].what, helps[i].example);
			return true;
		}
	}
	if (subcommand == NULL)
		(void)fputs(all_end, stdout);
	return subcommand == NULL;
}
