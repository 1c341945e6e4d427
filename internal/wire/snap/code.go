package snap

import "strconv"

// Code composes the seven characters of a responseCode: HTTP status, service
// code, two-digit case code ("2005400"). Clients compare the first three
// characters with the HTTP status, so both must come from the same number.
func Code(status int, s Service, caseCode string) string {
	return strconv.Itoa(status) + string(s) + caseCode
}

// Answer holds the two members that every answer starts with. Every error answer
// consists of them alone: one client library fails on any member it does not know.
type Answer struct {
	ResponseCode    string `json:"responseCode"`
	ResponseMessage string `json:"responseMessage"`
}
