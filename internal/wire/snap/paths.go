package snap

// Paths of the current API. Every call is a POST.
const (
	PathTokenB2B   = "/authorization/v1/access-token/b2b"
	PathTokenB2B2C = "/authorization/v1/access-token/b2b2c"
	PathBinding    = "/direct-debit/core/v1/registration-account-binding"
	PathBalance    = "/direct-debit/core/v1/balance-inquiry"
	PathPayment    = "/direct-debit/core/v1/debit/payment-host-to-host"
	PathStatus     = "/orders/v1.0/debit/status"
	PathRefund     = "/direct-debit/core/v1/debit/refund"
	PathUnbinding  = "/direct-debit/core/v1/registration-account-unbinding"

	// PathNotify is where the documents put the payment notification. The path
	// really called is that of the merchant's own notification URL.
	PathNotify = "/v1.0/debit/notify"
)

// Service is SNAP's two-digit number of an API. It is part of every response code.
type Service string

// Service codes of DOKU's OVO pages.
const (
	ServiceTokenB2B   Service = "73"
	ServiceTokenB2B2C Service = "74"
	ServiceBinding    Service = "07" // also the binding notification
	ServiceBalance    Service = "11"
	ServicePayment    Service = "54"
	ServiceStatus     Service = "55"
	ServiceRefund     Service = "58"
	ServiceUnbinding  Service = "09"
	ServiceNotify     Service = "56"

	// ServiceNone answers a request that belongs to no service, such as an unknown path.
	ServiceNone Service = "00"
)

// Route is one path that a server offers.
type Route struct {
	Path    string
	Service Service
	// Archived marks an alias from an older edition of the documents. Its
	// signature covers the path as it was requested, not the current one.
	Archived bool
}

// Routes lists the current paths and then the archived ones. It must not be changed.
var Routes = append([]Route{
	{Path: PathTokenB2B, Service: ServiceTokenB2B},
	{Path: PathTokenB2B2C, Service: ServiceTokenB2B2C},
	{Path: PathBinding, Service: ServiceBinding},
	{Path: PathBalance, Service: ServiceBalance},
	{Path: PathPayment, Service: ServicePayment},
	{Path: PathStatus, Service: ServiceStatus},
	{Path: PathRefund, Service: ServiceRefund},
	{Path: PathUnbinding, Service: ServiceUnbinding},
	{Path: "/api/v1/access-token/b2b2c", Service: ServiceTokenB2B2C, Archived: true},
}, append(archived("/direct-debit/merchant/ovo/v1.0/"), archived("/direct-debit/ovo/v1.0/")...)...)

// archived lists one archived family. Its editions disagree on whether the payment
// path has a "debit/" in it, so both are offered.
func archived(prefix string) []Route {
	return []Route{
		{Path: prefix + "registration-account-binding", Service: ServiceBinding, Archived: true},
		{Path: prefix + "balance-inquiry", Service: ServiceBalance, Archived: true},
		{Path: prefix + "payment-host-to-host", Service: ServicePayment, Archived: true},
		{Path: prefix + "debit/payment-host-to-host", Service: ServicePayment, Archived: true},
		{Path: prefix + "debit/refund", Service: ServiceRefund, Archived: true},
		{Path: prefix + "registration-account-unbinding", Service: ServiceUnbinding, Archived: true},
	}
}
