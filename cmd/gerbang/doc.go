// Command gerbang is an OVO payment gateway and its sandbox in one binary, with
// the tools of a merchant's engineer around it. docs/cli.md lists the commands.
//
// Every flag can be given in the environment as GERBANG_ and its name in capitals,
// or in a TOML file named with --config; the command line wins over the
// environment, and that over the file.
//
// Exit codes: 0 success; 1 the thing asked for failed or the answer is no; 2 wrong
// usage; 3 there is no sandbox to talk to.
package main
