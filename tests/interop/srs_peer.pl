# SPDX-License-Identifier: ISC
# Mail::SRS: lines "forward SENDER DOMAIN" or "reverse ADDRESS" in, "= ADDRESS" or "no" out.
use strict;
use warnings;
use Mail::SRS;

$| = 1;
my $srs = Mail::SRS->new(Secret => "another secret of theirs");
while (my $line = <STDIN>) {
	my ($verb, @words) = split ' ', $line;
	my $address = eval { $verb eq "forward" ? $srs->forward(@words) : $srs->reverse(@words) };
	print defined $address ? "= $address\n" : "no\n";
}
