package pages

import (
	"net/url"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// returnURL is where the merchant wants the visitor of an ended page.
func (v *visit) returnURL(view gateway.PageView) string {
	if v.ReturnURL != nil {
		if to := v.ReturnURL(v.r.Context(), view); to != "" {
			return to
		}
	}
	return view.Page.ReturnURL()
}

// webAddress accepts addresses of http and https that name a host and no user.
// Merchants registered them, but a page must not become a way to anything else.
func webAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil
}

// redirectable reports whether an address may also stand in a header, which
// carries visible ASCII only. Visitors get a link to any other.
func redirectable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return webAddress(text)
}

// policy is the Content-Security-Policy of every page.
//
// Browsers made from Chromium hold form-action against the redirect that answers
// a form, and against every further redirect from there on, which nobody can
// list: shops redirect from one name to another. So any web address is allowed.
// That gives nothing away: a page has no markup that is not its own, and the
// address it redirects to is the merchant's in any case.
var policy = "default-src 'none'; style-src '" + styleHash + "'; form-action 'self' https: http:; frame-ancestors 'none'; base-uri 'none'"
