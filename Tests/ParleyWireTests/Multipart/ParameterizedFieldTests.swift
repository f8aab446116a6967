import Testing

@testable import ParleyWire

@Suite("fields with parameters (RFC 9110 5.6.6, RFC 7578 4.2)")
struct ParameterizedFieldTests {
    @Test("value and parameters, quoted or not, in any case")
    func parameters() {
        let field = ParameterizedField("Multipart/Form-Data ; Boundary=\"a;b=c\" ;\tcharset=UTF-8; x")
        #expect(field.value == "multipart/form-data")
        #expect(field["boundary"] == "a;b=c" && field["charset"] == "UTF-8" && field["x"] == nil)
        #expect(ParameterizedField("").value.isEmpty && ParameterizedField(";;=;a=").value.isEmpty)
        #expect(ParameterizedField("a; b=\"c").value == "a" && ParameterizedField("a; b=1; b=2")["b"] == "1")
    }

    @Test("backslashes escape quotes and themselves, and are backslashes before all else")
    func escapes() {
        #expect(ParameterizedField(#"form-data; name="a\"b\\c""#)["name"] == #"a"b\c"#)
        #expect(
            ParameterizedField(#"form-data; filename="C:\new\file.txt""#)["filename"] == #"C:\new\file.txt"#)
        #expect(ParameterizedField(#"form-data; filename="a\"#)["filename"] == #"a\"#)
    }

    @Test("names with a charset (RFC 8187)")
    func extended() {
        #expect(ParameterizedField("a; filename*=UTF-8''na%C3%AFve.txt").extended("filename") == "naïve.txt")
        #expect(ParameterizedField("a; filename*=iso-8859-1'en'na%EFve").extended("filename") == "naïve")
        for bad in ["UTF-8''%C3", "UTF-8''%zz", "UTF-8''%4", "koi8-r''a", "UTF-8'a", "a"] {
            #expect(ParameterizedField("a; filename*=\(bad)").extended("filename") == nil)
        }
    }
}
