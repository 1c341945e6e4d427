// Package wire holds what every protocol's wire format needs: strict JSON and XML
// readers of one kind of value, which keep the received bytes, the compact encoder whose output all
// published client libraries can verify, the decoder that finds the first problem
// of a request, the local time zone of the providers, and the verdict on a signature
// that the sandbox shows to people, with the search for the mistake behind it.
//
// The packages below it describe one protocol each. They hold shapes, formats
// and signatures but no behaviour, and are shared by the server and the public
// client library: a mistake in one of them can only be found by vectors from
// outside, which is why each has a testdata folder of published or
// independently computed values.
package wire
