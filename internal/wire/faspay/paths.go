package faspay

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Service is one call of a merchant. Its value is ours; on the wire it is a number.
type Service string

const (
	ServiceActivation Service = "activation"
	ServicePayment    Service = "payment"
	ServiceTopUp      Service = "topup"
	ServiceBalance    Service = "balance"
	ServiceHistory    Service = "history"
	ServiceUnlink     Service = "unlink"
	ServiceInquiry    Service = "inquiry"
	ServiceCancel     Service = "cancel"
)

// Services lists all services. It must not be changed.
var Services = []Service{
	ServiceActivation, ServicePayment, ServiceTopUp, ServiceBalance, ServiceHistory, ServiceUnlink, ServiceInquiry, ServiceCancel,
}

// Signed returns the member that the signature of a request covers besides the
// credentials.
func (s Service) Signed() string {
	if s == ServiceInquiry || s == ServiceCancel {
		return "bill_no"
	}
	return "phone_no"
}

// placeholder stands for a service's number in a pattern.
const placeholder = "{service}"

// Paths says under which paths the services are. It is configuration, because the
// guide prints the number of the activation alone.
type Paths struct {
	Numbers map[Service]string
	// JSON and XML are path patterns with {service} in them. A server offers all of
	// them, a client uses the first.
	JSON []string
	XML  []string
}

// DefaultPaths returns the documented paths. The numbers of payment, top-up,
// balance, history and unlink are made up: they count on from the activation's.
// The letters xx are literal. Editions of the guides differ in the last slash.
func DefaultPaths() Paths {
	return Paths{
		Numbers: map[Service]string{
			ServiceActivation: "100037",
			ServicePayment:    "100038",
			ServiceTopUp:      "100039",
			ServiceBalance:    "100040",
			ServiceHistory:    "100041",
			ServiceUnlink:     "100042",
			ServiceInquiry:    "100004",
			ServiceCancel:     "100005",
		},
		JSON: []string{"/cvr/{service}/10"},
		XML:  []string{"/pws/{service}/183xx00010100000/", "/pws/{service}/183xx00010100000"},
	}
}

// ProductionPaths returns [DefaultPaths] with the suffix that production has on
// sibling services, in front of the documented one.
func ProductionPaths() Paths {
	p := DefaultPaths()
	p.XML = append([]string{"/pws/{service}/383xx00010100000/", "/pws/{service}/383xx00010100000"}, p.XML...)
	return p
}

// Check finds what cannot work: a service without a number, a number that two
// services share or that is not digits, a pattern without {service}.
func (p Paths) Check() error {
	taken := map[string]Service{}
	for _, s := range Services {
		number := p.Numbers[s]
		if number == "" || !isDigits(number) {
			return fmt.Errorf("faspay: the number of service %s is %q; it must be digits", s, number)
		}
		if other, ok := taken[number]; ok {
			return fmt.Errorf("faspay: services %s and %s have the same number %s", other, s, number)
		}
		taken[number] = s
	}
	for _, s := range slices.Sorted(maps.Keys(p.Numbers)) {
		if !slices.Contains(Services, s) {
			return fmt.Errorf("faspay: there is no service %q; the services are %v", s, Services)
		}
	}
	seen := map[string]bool{}
	for _, f := range p.families() {
		if len(f.patterns) == 0 {
			return fmt.Errorf("faspay: there is no path pattern for %s", f.format)
		}
		for _, pattern := range f.patterns {
			if seen[pattern] {
				return fmt.Errorf("faspay: the path pattern %q is there twice", pattern)
			}
			seen[pattern] = true
			if !strings.HasPrefix(pattern, "/") || strings.Count(pattern, placeholder) != 1 {
				return fmt.Errorf("faspay: the path pattern %q must begin with / and have {service} in it once", pattern)
			}
			if root := rootOf(pattern); root == "/" || !strings.HasSuffix(root, "/") || strings.ContainsAny(root, "{}") || path.Clean(root)+"/" != root {
				return fmt.Errorf("faspay: the path pattern %q must have plain segments of its own before the segment that begins with {service}", pattern)
			}
		}
	}
	return nil
}

type family struct {
	format   Format
	patterns []string
}

func (p Paths) families() []family { return []family{{JSON, p.JSON}, {XML, p.XML}} }

func rootOf(pattern string) string {
	root, _, _ := strings.Cut(pattern, placeholder)
	return root
}

// Roots returns what the paths begin with, ending with a slash, and in which format
// a path under it is answered that is no service's.
func (p Paths) Roots() map[string]Format {
	roots := map[string]Format{}
	for _, f := range p.families() {
		for _, pattern := range f.patterns {
			if _, ok := roots[rootOf(pattern)]; !ok {
				roots[rootOf(pattern)] = f.format
			}
		}
	}
	return roots
}

// Route is one path that a server offers.
type Route struct {
	Path    string
	Service Service
	Format  Format
}

// Routes lists every path of every service.
func (p Paths) Routes() []Route {
	var routes []Route
	for _, s := range Services {
		for _, f := range p.families() {
			for _, pattern := range f.patterns {
				routes = append(routes, Route{strings.Replace(pattern, placeholder, p.Numbers[s], 1), s, f.format})
			}
		}
	}
	return routes
}

// Path is where a client calls s.
func (p Paths) Path(s Service, f Format) string {
	patterns := p.JSON
	if f == XML {
		patterns = p.XML
	}
	return strings.Replace(patterns[0], placeholder, p.Numbers[s], 1)
}

// Find returns the route of a requested path. For the path of a service that is
// not offered, the route has a format but no service: such a call gets an answer in
// its own encoding. ok is false for paths that have nothing to do with Faspay.
func (p Paths) Find(path string) (r Route, ok bool) {
	for _, f := range p.families() {
		for _, pattern := range f.patterns {
			before, after, _ := strings.Cut(pattern, placeholder)
			rest, begins := strings.CutPrefix(path, before)
			number, ends := strings.CutSuffix(rest, after)
			if !begins || !ends || number == "" || !isDigits(number) {
				continue
			}
			r = Route{Path: path, Format: f.format}
			for _, s := range Services {
				if p.Numbers[s] == number {
					r.Service = s
				}
			}
			return r, true
		}
	}
	return Route{}, false
}
