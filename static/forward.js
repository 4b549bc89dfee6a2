// Sends the form that takes the user on to the EHR's sign-in. Without scripts there is its button.
document.getElementById("forward").submit();
