"""A real browser: what pages of another origin may do (CORS), and which scripts run (content security policy)."""

FETCH = """async ([url, method, authorization]) => {
    try {
        const answer = await fetch(url, {method, headers: authorization ? {authorization} : {}, credentials: "include"});
        return [answer.status, await answer.text(), answer.headers.get("etag"), answer.headers.get("date")];
    } catch (error) { return error.name; }
}"""
CREDENTIALS = "Basic YWRhOnNlY3JldA=="


def test_pages_of_another_origin(make_server, browser):
    page_server, server = make_server(), make_server()
    item = f"http://127.0.0.1:{server.port}/cors/closed/item"
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://localhost:{page_server.port}/page.html")
    assert page.evaluate(FETCH, [item, "PUT", CREDENTIALS]) == [200, "ada", '"1"', None], "preflight, credentials, exposed field"
    assert page.evaluate(FETCH, [item, "PUT", None])[0] == 401, "errors can be read too"
    assert page.evaluate(FETCH, [item.replace("closed/item", "fails"), "GET", None])[0] == 500
    page.goto(f"http://127.0.0.1:{page_server.port}/page.html")
    assert page.evaluate(FETCH, [item, "PUT", CREDENTIALS]) == "TypeError", "this origin isn't allowed"
    assert page.evaluate(FETCH, [f"http://127.0.0.1:{server.port}/hello", "GET", None]) == "TypeError", "nobody is, here"
    context.close()


def test_scripts_without_the_nonce_do_not_run(server, browser):
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"http://127.0.0.1:{server.port}/pages/scripts")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert page.evaluate("window.ran") == ["trusted"]
    context.close()
