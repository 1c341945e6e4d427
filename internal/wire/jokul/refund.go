package jokul

// RefundRequest returns money of a payment, wholly or in part.
type RefundRequest struct {
	Order   InvoiceRef `json:"order"`
	Payment RequestRef `json:"payment"`
	Refund  RefundPart `json:"refund"`
}

// InvoiceRef names a payment by its invoice number.
type InvoiceRef struct {
	InvoiceNumber string `json:"invoice_number"`
}

// RequestRef names a payment by the Request-Id header of its request.
type RequestRef struct {
	OriginalRequestID string `json:"original_request_id"`
}

// RefundPart is the refund of a [RefundRequest].
type RefundPart struct {
	Amount Number `json:"amount"`
	Reason string `json:"reason,omitempty"` // up to 255 characters
}

// RefundAnswer answers a [RefundRequest].
type RefundAnswer struct {
	Order   InvoiceRef   `json:"order"`
	Payment RequestRef   `json:"payment"`
	Refund  RefundResult `json:"refund"`
}

// RefundResult is the refund of a [RefundAnswer].
type RefundResult struct {
	Amount  Number `json:"amount"`
	Reason  string `json:"reason,omitempty"`
	Status  string `json:"status"`            // StatusSuccess or StatusFailed
	Message string `json:"message,omitempty"` // up to 10 characters
}
