package jokul

// Values of error.code.
const (
	CodeInvalidHeader     = "invalid_header_request"    // a header is missing or malformed
	CodeTimeOutOfRange    = "request_time_out_of_range" // Request-Timestamp too far from now
	CodeInvalidClientID   = "invalid_client_id"         // unknown merchant
	CodeInvalidSignature  = "invalid_signature"         // Signature or check_sum does not match
	CodeInvalidParameter  = "invalid_parameter"         // a member of the body; a used invoice number
	CodeAccountError      = "account_error"             // the OVO account cannot be used
	CodeInvalidAccess     = "invalid_access"            // not enabled for this merchant
	CodeNotFound          = "not_found"                 // token, payment, invoice or customer unknown
	CodeIdempotentRequest = "idempotent_request"        // Request-Id used before
	CodeInternalError     = "internal_server_error"
)

// TypeInvalidRequest is the only value of error.type that was ever seen.
const TypeInvalidRequest = "invalid_request_error"

// ErrorAnswer answers a call that failed.
type ErrorAnswer struct {
	Error ErrorBody `json:"error"`
}

// ErrorBody is the content of an [ErrorAnswer].
type ErrorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Type    string `json:"type"`
}

// NewError returns the answer with one of the codes above and a text for people.
func NewError(code, message string) ErrorAnswer {
	return ErrorAnswer{ErrorBody{Code: code, Message: message, Type: TypeInvalidRequest}}
}
