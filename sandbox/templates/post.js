document.querySelector("form").submit();
