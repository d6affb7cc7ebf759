# Forks the real sqitch, which this process has loaded once, for whoever asks at the socket whose address is the argument:
# the counterpart of `serve` and `become` in forks.py. It ends when its standard input is closed.
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(:locale_h setsid tzset);
use Socket qw(SOCK_SEQPACKET);

use App::Sqitch;
use App::Sqitch::DateTime;
use App::Sqitch::Engine::pg;
use App::Sqitch::Target;
use DBD::Pg;
use Encode::Locale;
use Eval::Closure;
use PerlIO::encoding;
use PerlIO::utf8_strict;
use String::Formatter;
use Template::Tiny;
use URI::pg;

# Not log and plan: what they load asks whether this output is a terminal.
require "App/Sqitch/Command/$_.pm" for qw(add bundle deploy init revert rework show status tag verify);

my $address = shift @ARGV;
my $listening = IO::Socket::UNIX->new(Type => SOCK_SEQPACKET, Local => $address, Listen => 64) or die "$address: $!";
my $waiting = IO::Select->new($listening, \*STDIN);
$SIG{CHLD} = 'IGNORE';
$| = 1;
print "ready\n";
while (my @ready = $waiting->can_read) {
    for my $one (@ready) {
        exit 0 if $one != $listening;
        my $asked = $listening->accept or next;
        attend($asked) if fork == 0;
        close $asked;
    }
}

# Start what is asked for, wait for its end, and tell it.
sub attend {
    my $asked = shift;
    close $listening;
    close STDIN;
    $SIG{CHLD} = 'DEFAULT';
    recv $asked, my $message, 1 << 20, 0;
    my $pid = fork;
    carry_out($asked, decode_json $message) if $pid == 0;
    waitpid $pid, 0;
    my $status = $?;
    send $asked, $status, 0;
    POSIX::_exit(0);
}

sub carry_out {
    my ($asked, $request) = @_;
    my ($stdin, $stdout, $stderr) = map { encoded($_) } @{ $request->{files} };
    open STDIN, '<', $stdin or die "$stdin: $!";
    open STDOUT, '>>', $stdout or die "$stdout: $!";
    open STDERR, '>>', $stderr or die "$stderr: $!";
    binmode $_, ':utf8' for *STDIN, *STDOUT, *STDERR;  # as its -CS does
    setsid if $request->{session};
    chdir encoded($request->{folder}) or die "$!";
    %ENV = map { encoded($_) } %{ $request->{environment} };
    setlocale LC_ALL, '';
    tzset;
    $0 = "/usr/bin/sqitch";
    @ARGV = @{ $request->{words} };
    send $asked, $$, 0;
    close $asked;
    exit App::Sqitch->go;
}

sub encoded { my $text = shift; utf8::encode $text; return $text }
