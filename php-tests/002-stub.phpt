--TEST--
stubs/wx_token.stub.php is true of the loaded extension
--EXTENSIONS--
wx_token
--FILE--
<?php
// The stub's names are taken by the extension: load it below a namespace of its own.
$stub = file_get_contents(__DIR__ . '/../stubs/wx_token.stub.php');
$stub = str_replace(['namespace {', 'namespace WxToken {'], ['namespace Stub {', 'namespace Stub\WxToken {'], $stub);
eval('?>' . $stub);

function describe_function(ReflectionFunction $function): array {
    return [
        array_map(fn($parameter) => [
            $parameter->getName(),
            (string) $parameter->getType(),
            $parameter->isOptional() ? var_export($parameter->getDefaultValue(), true) : 'required',
            array_map(fn($attribute) => $attribute->getName(), $parameter->getAttributes()),
        ], $function->getParameters()),
        (string) $function->getReturnType(),
    ];
}

function describe_class(ReflectionClass $class): array {
    $own = array_filter($class->getProperties(), fn($p) => $p->class === $class->getName());
    return [
        str_replace('Stub\\', '', $class->getParentClass()->getName()),
        array_map(fn($property) => [
            $property->getName(),
            (string) $property->getType(),
            Reflection::getModifierNames($property->getModifiers()),
            var_export($property->getDefaultValue(), true),
        ], array_values($own)),
        $class->isFinal(),
        array_filter($class->getMethods(), fn($m) => str_contains($m->class, 'WxToken')),
    ];
}

function compare(string $name, array $stub, array $real): void {
    echo $stub == $real ? "$name\n" : "$name DIFFERS\n" . print_r(['stub' => $stub, 'extension' => $real], true);
}

$extension = new ReflectionExtension('wx_token');
$functions = $extension->getFunctions();
ksort($functions);
foreach ($functions as $name => $function) {
    compare($name, describe_function(new ReflectionFunction("Stub\\$name")), describe_function($function));
}
$classes = $extension->getClasses();
ksort($classes);
foreach ($classes as $name => $class) {
    compare($name, describe_class(new ReflectionClass("Stub\\$name")), describe_class($class));
}

// And nothing stands in the stub that the extension does not have.
$in_stub = preg_match_all('/^    (?:function|class) \w+/m', $stub);
var_dump($in_stub === count($functions) + count($classes));
?>
--EXPECT--
wx_get_ticket
wx_get_token
wx_refresh_token
wx_token_status
wx_try_token
wx_with_lock
WxToken\ApiException
WxToken\ConfigException
WxToken\Exception
WxToken\FileException
WxToken\LockException
WxToken\NetworkException
bool(true)
