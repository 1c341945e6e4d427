package app

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Traces says where traces are sent. The zero value sends none.
type Traces struct {
	// Endpoint is the address of an OpenTelemetry collector that speaks OTLP over HTTP,
	// without the path of traces; "" takes that of the environment.
	Endpoint string
	// Getenv reads the environment, of which OpenTelemetry has its standard variables;
	// nil is an empty one. The rest of them are read by its SDK itself.
	Getenv func(string) string
}

const (
	varEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	varTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	tracesPath        = "/v1/traces"
)

func (t Traces) env(name string) string {
	if t.Getenv == nil {
		return ""
	}
	return strings.TrimSpace(t.Getenv(name))
}

// endpoint is where traces are sent, "" when they are not.
func (t Traces) endpoint() string {
	_, address := t.source()
	return address
}

// source is the setting that says where traces are sent, and where that is.
func (t Traces) source() (setting, address string) {
	off := strings.EqualFold(t.env("OTEL_SDK_DISABLED"), "true") || t.env("OTEL_TRACES_EXPORTER") == "none"
	base := cmp.Or(t.Endpoint, t.env(varEndpoint))
	switch {
	case off:
		return "", ""
	case t.Endpoint != "":
		return "otlp-endpoint", trimSlash(base) + tracesPath
	case t.env(varTracesEndpoint) != "": // by the standard this is the whole address
		return varTracesEndpoint, t.env(varTracesEndpoint)
	case base != "":
		return varEndpoint, trimSlash(base) + tracesPath
	}
	return "", ""
}

// check finds what the SDK would pass over with a line on standard error, or send
// elsewhere. Where traces are not sent, their variables are somebody else's.
func (t Traces) check(found *Problems) {
	setting, address := t.source()
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		found.add(setting, "it is no address of a collector", "write scheme, host and port, such as http://127.0.0.1:4318; what it asks for goes into OTEL_EXPORTER_OTLP_HEADERS")
	}
	if asked := signal("HEADERS"); err == nil && u.Scheme == "http" && !isLocal(u) && t.env(asked[0])+t.env(asked[1]) != "" {
		found.add(setting, "it is not https: what the collector asks for would be readable on its way", "write https://"+u.Host)
	}
	t.checkWords(found)
	t.checkNumbers(found)
	t.checkPairs(found)
	t.checkFiles(found)
}

func (t Traces) checkWords(found *Problems) {
	samplers := []string{"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"}
	const protobuf = "traces are sent as OTLP over HTTP"
	for _, one := range []struct {
		names         []string
		words         []string
		problem, cure string
	}{
		{[]string{"OTEL_TRACES_EXPORTER"}, []string{"otlp"}, protobuf + " and in no other way", "write otlp, or none for no traces"},
		{signal("PROTOCOL"), []string{"http/protobuf", "http/json"}, protobuf + " and in no other way", "write http/protobuf, and the collector's address for it, usually port 4318"},
		{signal("COMPRESSION"), []string{"gzip", "none"}, "nobody knows what that means", "write gzip or none"},
		{[]string{"OTEL_TRACES_SAMPLER"}, samplers, "no sampler has this name", "write one of " + strings.Join(samplers, ", ")},
	} {
		for _, name := range one.names {
			if word := t.env(name); word != "" && !slices.Contains(one.words, word) {
				found.add(name, one.problem, one.cure)
			}
		}
	}
	share := t.env("OTEL_TRACES_SAMPLER_ARG")
	if share != "" && strings.Contains(t.env("OTEL_TRACES_SAMPLER"), "ratio") && !isShare(share) {
		found.add("OTEL_TRACES_SAMPLER_ARG", "it is no share of calls", "write a number from 0 to 1, such as 0.05 for one call in twenty")
	}
}

// isShare reports whether text is a number from 0 to 1.
func isShare(text string) bool {
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && n >= 0 && n <= 1
}

func (t Traces) checkNumbers(found *Problems) {
	names := append(signal("TIMEOUT"), "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE")
	for _, name := range names {
		text := t.env(name)
		if n, err := strconv.Atoi(text); text != "" && (err != nil || n < 1 || n > 1_000_000) {
			found.add(name, "it is no whole number from 1 to 1000000", "write one: milliseconds, or spans where it is a size")
		}
	}
}

func (t Traces) checkPairs(found *Problems) {
	for _, name := range append(signal("HEADERS"), "OTEL_RESOURCE_ATTRIBUTES") {
		for pair := range strings.SplitSeq(t.env(name), ",") {
			key, value, ok := strings.Cut(pair, "=")
			_, err := url.PathUnescape(value)
			if pair = strings.TrimSpace(pair); pair != "" && (!ok || err != nil || strings.TrimSpace(key) == "" || strings.ContainsAny(strings.TrimSpace(key), " \t:;\"")) {
				found.add(name, "it is no list of names with values", "write name=value,name=value, and %2C for a comma in a value")
				break
			}
		}
	}
}

func (t Traces) checkFiles(found *Problems) {
	_, address := t.source()
	if certificates := slices.Concat(signal("CERTIFICATE"), signal("CLIENT_CERTIFICATE")); strings.HasPrefix(address, "http://") {
		for _, name := range certificates {
			if t.env(name) != "" {
				found.add(name, "the collector's address is not https", "write https in the address, or leave the certificate out")
			}
		}
		return
	}
	for _, name := range signal("CERTIFICATE") {
		file := t.env(name)
		if file == "" {
			continue
		}
		if text, err := os.ReadFile(file); err != nil {
			found.add(name, err.Error(), "name a PEM file with the certificates that the collector's is checked against")
		} else if !x509.NewCertPool().AppendCertsFromPEM(text) {
			found.add(name, "no certificate is in it", "name a PEM file with the certificates that the collector's is checked against")
		}
	}
	certificates, keys := signal("CLIENT_CERTIFICATE"), signal("CLIENT_KEY")
	for i, name := range certificates {
		certificate, key := t.env(name), t.env(keys[i])
		if certificate == "" && key == "" {
			continue
		}
		if _, err := tls.LoadX509KeyPair(certificate, key); err != nil {
			found.add(name, err.Error(), "name a PEM file here and the one with its key in "+keys[i])
		}
	}
}

// signal is a standard variable of the exporter, for everything and for traces alone.
func signal(name string) []string {
	return []string{"OTEL_EXPORTER_OTLP_" + name, "OTEL_EXPORTER_OTLP_TRACES_" + name}
}
