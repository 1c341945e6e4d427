package jokul

// Customer is the merchant's customer. Answers repeat what the request said.
type Customer struct {
	ID             string `json:"id"`                        // up to 50 characters
	Name           string `json:"name,omitempty"`            // up to 70
	Email          string `json:"email,omitempty"`           // up to 255
	Phone          string `json:"phone,omitempty"`           // up to 20
	AdditionalInfo string `json:"additional_info,omitempty"` // up to 20, in a payment 255
}

// ServiceRecurring is the service_type of a binding.
const ServiceRecurring = "RECURRING"

// BindingRequest starts the binding of a wallet to a merchant's customer.
type BindingRequest struct {
	Customer    Customer       `json:"customer"`
	OVOAccount  BindingAccount `json:"ovo_account"`
	ServiceType string         `json:"service_type"` // ServiceRecurring
}

// BindingAccount is the ovo_account of a [BindingRequest].
type BindingAccount struct {
	AccountEmail           string `json:"account_email,omitempty"`
	AccountMobilePhone     string `json:"account_mobile_phone"` // 62…, 08… or +62…
	SuccessRegistrationURL string `json:"success_registration_url"`
	FailedRegistrationURL  string `json:"failed_registration_url"`
}

// BindingAnswer answers a [BindingRequest].
type BindingAnswer struct {
	Customer   Customer             `json:"customer"`
	OVOAccount BindingAnswerAccount `json:"ovo_account"`
}

// BindingAnswerAccount is the ovo_account of a [BindingAnswer].
type BindingAnswerAccount struct {
	AccountMobilePhone string `json:"account_mobile_phone"`
	RegistrationURL    string `json:"registration_url"` // where the customer's browser must go
	Status             string `json:"status"`           // StatusPending
}
